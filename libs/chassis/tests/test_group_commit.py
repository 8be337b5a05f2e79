"""Who shares a transaction with whom, and who pays for whose mistake."""

import asyncio
from collections.abc import Sequence

from crossdock_chassis.group_commit import GroupCommit


class LockNotAvailable(Exception):
    """As PostgreSQL's driver raises it."""

    sqlstate = "55P03"


class Ledger:
    """Commits words. "poison" breaks whatever it is in; "locked" can be committed only by waiting."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.begun = asyncio.Event()
        self.open = asyncio.Event()
        self.unlocked = asyncio.Event()
        self.broken_ground = False

    async def commit(self, words: Sequence[str], /, *, longest_lock_wait_s: float | None) -> Sequence[str]:
        self.begun.set()
        await self.open.wait()
        if self.broken_ground:
            raise ConnectionError
        if "poison" in words:
            raise ValueError(words)
        if "locked" in words:
            if longest_lock_wait_s is not None:
                raise LockNotAvailable
            await self.unlocked.wait()
        self.batches.append(list(words))
        return [f"{word} was written" for word in words]


def gather(ledger: Ledger, *, lanes: int = 1, most: int = 64) -> GroupCommit[str, str]:
    return GroupCommit(ledger.commit, key=lambda word: word.partition("#")[0], lanes=lanes, most=most)


async def add_behind(
    ledger: Ledger, gathered: GroupCommit[str, str], *words: str, goes_away: str | None = None
) -> list[asyncio.Task[str]]:
    """The words arrive while a transaction of "first" is at work, which then may go on."""
    first = asyncio.create_task(gathered.add("first"))
    await ledger.begun.wait()
    adding = {word: asyncio.create_task(gathered.add(word)) for word in words}
    await asyncio.sleep(0)
    if goes_away is not None:
        adding[goes_away].cancel()
    ledger.open.set()
    await first
    return list(adding.values())


async def test_what_arrives_while_a_transaction_is_at_work_shares_the_next_one() -> None:
    ledger = Ledger()

    said = await asyncio.gather(*await add_behind(ledger, gather(ledger), "a", "b", "c"))

    assert ledger.batches == [["first"], ["a", "b", "c"]]
    assert said == ["a was written", "b was written", "c was written"]


async def test_no_transaction_takes_more_than_its_most() -> None:
    ledger = Ledger()

    await asyncio.gather(*await add_behind(ledger, gather(ledger, most=2), "a", "b", "c"))

    assert ledger.batches == [["first"], ["a", "b"], ["c"]]


async def test_items_of_one_key_never_share_a_transaction_and_keep_their_order() -> None:
    ledger = Ledger()

    await asyncio.gather(*await add_behind(ledger, gather(ledger), "a#1", "a#2", "b", "a#3"))

    assert ledger.batches == [["first"], ["a#1", "b"], ["a#2"], ["a#3"]]


async def test_one_that_breaks_fails_alone_and_the_others_are_committed() -> None:
    ledger = Ledger()

    adding = await add_behind(ledger, gather(ledger), "a", "b", "poison", "c", "d")
    results = await asyncio.gather(*adding, return_exceptions=True)

    assert [type(one) for one in results] == [str, str, ValueError, str, str]
    assert str(results[2]) == "['poison']"
    assert sorted(word for batch in ledger.batches for word in batch) == ["a", "b", "c", "d", "first"]


async def test_one_that_waits_for_a_lock_keeps_nobody_waiting() -> None:
    ledger = Ledger()
    gathered = gather(ledger)

    before, locked, behind = await add_behind(ledger, gathered, "a", "locked", "b")
    await asyncio.gather(before, behind, gathered.add("later"))
    waited = locked.done()
    ledger.unlocked.set()
    await locked

    assert not waited
    assert ledger.batches[-1] == ["locked"]


async def test_when_the_ground_is_gone_everybody_is_told_at_once_and_nothing_is_tried_again() -> None:
    ledger = Ledger()
    gathered = gather(ledger)
    ledger.broken_ground = True

    first = asyncio.create_task(gathered.add("first"))
    adding = [asyncio.create_task(gathered.add(word)) for word in ("a", "b")]
    ledger.open.set()
    results = await asyncio.gather(first, *adding, return_exceptions=True)
    ledger.broken_ground = False
    await gathered.add("later")

    assert [type(one) for one in results] == [ConnectionError] * 3
    assert ledger.batches == [["later"]]


async def test_one_who_went_away_is_committed_all_the_same_and_hurts_nobody() -> None:
    ledger = Ledger()

    gone, stays = await add_behind(ledger, gather(ledger), "a", "b", goes_away="a")
    await stays

    assert gone.cancelled()
    assert ledger.batches == [["first"], ["a", "b"]]


async def test_lanes_work_side_by_side() -> None:
    ledger = Ledger()
    gathered = gather(ledger, lanes=2, most=1)

    adding = [asyncio.create_task(gathered.add(word)) for word in ("a", "b", "c")]
    await asyncio.sleep(0.01)
    waiting = len(gathered._waiting)
    ledger.open.set()
    await asyncio.gather(*adding)

    assert waiting == 1
    assert len(ledger.batches) == 3
