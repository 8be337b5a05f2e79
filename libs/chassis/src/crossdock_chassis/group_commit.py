"""What arrives while a transaction is at work shares the next one. No timer: nobody waits for company."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from crossdock_chassis.faults import is_transient, lost_a_lock

#: In company nobody waits longer for somebody's lock: who meets one is taken alone.
LONGEST_LOCK_WAIT_S = 0.05

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Commit(Protocol[T_contra, R_co]):
    """Commits all of `items` or none, and says for each what came of it.

    `longest_lock_wait_s` is the transaction's; None: it may wait, since nobody else waits for it.
    """

    async def __call__(
        self, items: Sequence[T_contra], /, *, longest_lock_wait_s: float | None
    ) -> Sequence[R_co]: ...


def may_be_of_one(error: Exception) -> bool:
    """Whether one of many may have broken their transaction, not the ground under all of them."""
    return lost_a_lock(error) or not is_transient(error)


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[T, R]):
    item: T
    done: asyncio.Future[R]

    def succeed(self, result: R) -> None:
        if not self.done.done():
            self.done.set_result(result)

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class GroupCommit(Generic[T, R]):
    """Gathers items for `commit`, `most` at a time, in `lanes` transactions at once.

    What breaks in company is halved until the culprit stands alone, and what is alone runs outside of the
    lanes: nobody's order fails or waits because of another's. Errors of the ground (no connection, no room)
    are everybody's at once. Items of one `key` never meet in a transaction.
    """

    def __init__(
        self, commit: Commit[T, R], *, key: Callable[[T], Hashable], lanes: int = 1, most: int = 64
    ) -> None:
        self._commit = commit
        self._key = key
        self._most = most
        self._free_lanes = lanes
        self._waiting: deque[_Waiting[T, R]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def add(self, item: T) -> R:
        """What came of `item`, once it is committed. Raises what its commit raised; then nothing of it is
        there. Who gives up waiting takes nothing back: it may be committed all the same.
        """
        waiting: _Waiting[T, R] = _Waiting(item, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._free_lanes:
            self._free_lanes -= 1
            self._start(self._run_lane())
        return await waiting.done

    async def _run_lane(self) -> None:
        """Batch after batch, until nobody waits."""
        try:
            while batch := self._take():
                await self._work(batch)
        finally:
            self._free_lanes += 1

    def _take(self) -> list[_Waiting[T, R]]:
        """The next batch: in the order of arrival, at most one item of a key."""
        batch: dict[Hashable, _Waiting[T, R]] = {}
        left: list[_Waiting[T, R]] = []
        while self._waiting and len(batch) < self._most:
            one = self._waiting.popleft()
            if batch.setdefault(self._key(one.item), one) is not one:
                left.append(one)
        self._waiting.extendleft(reversed(left))
        return list(batch.values())

    async def _work(self, batch: Sequence[_Waiting[T, R]]) -> None:
        try:
            results = await self._commit([one.item for one in batch], longest_lock_wait_s=LONGEST_LOCK_WAIT_S)
        except Exception as error:
            if not may_be_of_one(error):
                for one in batch:
                    one.fail(error)
            elif len(batch) == 1:
                self._start(self._work_alone(batch[0]))
            else:
                middle = len(batch) // 2
                await self._work(batch[:middle])
                await self._work(batch[middle:])
        else:
            for one, result in zip(batch, results, strict=True):
                one.succeed(result)

    async def _work_alone(self, one: _Waiting[T, R]) -> None:
        try:
            (result,) = await self._commit([one.item], longest_lock_wait_s=None)
        except Exception as error:
            one.fail(error)
        else:
            one.succeed(result)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)  # asyncio itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)
