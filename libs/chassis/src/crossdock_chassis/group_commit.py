"""What arrives while a transaction is at work shares the next one. No timer: nobody waits for company."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Commit(Protocol[T_contra]):
    """Commits all of `items` or none. `alone`: it may wait for locks, since nobody else waits for it."""

    async def __call__(self, items: Sequence[T_contra], /, *, alone: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[T]):
    item: T
    done: asyncio.Future[None]

    def succeed(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class GroupCommit(Generic[T]):
    """Gathers items for `commit`, `most` at a time, in `lanes` transactions at once.

    What breaks in company is halved until the culprit stands alone, and what is alone runs outside of the
    lanes: nobody's order fails or waits because of another's. `culpable` tells such errors from those of the
    ground (no connection, no room), which are everybody's at once. Items of one `key` never meet in a
    transaction.
    """

    def __init__(
        self,
        commit: Commit[T],
        *,
        key: Callable[[T], Hashable],
        culpable: Callable[[Exception], bool],
        lanes: int = 2,
        most: int = 64,
    ) -> None:
        self._commit = commit
        self._key = key
        self._culpable = culpable
        self._most = most
        self._free_lanes = lanes
        self._waiting: deque[_Waiting[T]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def add(self, item: T) -> None:
        """Returns when `item` is committed. Raises what its commit raised; then nothing of it is there."""
        waiting = _Waiting(item, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._free_lanes:
            self._free_lanes -= 1
            self._start(self._run_lane())
        await waiting.done

    async def _run_lane(self) -> None:
        """Batch after batch, until nobody waits."""
        try:
            while batch := self._take():
                await self._work(batch)
        finally:
            self._free_lanes += 1

    def _take(self) -> list[_Waiting[T]]:
        """The next batch: in the order of arrival, at most one item of a key."""
        batch: dict[Hashable, _Waiting[T]] = {}
        left: list[_Waiting[T]] = []
        while self._waiting and len(batch) < self._most:
            one = self._waiting.popleft()
            if batch.setdefault(self._key(one.item), one) is not one:
                left.append(one)
        self._waiting.extendleft(reversed(left))
        return list(batch.values())

    async def _work(self, batch: Sequence[_Waiting[T]]) -> None:
        try:
            await self._commit([one.item for one in batch], alone=False)
        except Exception as error:
            if not self._culpable(error):
                for one in batch:
                    one.fail(error)
            elif len(batch) == 1:
                self._start(self._work_alone(batch[0]))
            else:
                middle = len(batch) // 2
                await self._work(batch[:middle])
                await self._work(batch[middle:])
        else:
            for one in batch:
                one.succeed()

    async def _work_alone(self, one: _Waiting[T]) -> None:
        try:
            await self._commit([one.item], alone=True)
        except Exception as error:
            one.fail(error)
        else:
            one.succeed()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)  # asyncio itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)
