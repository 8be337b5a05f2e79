import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from crossdock_chassis.database import Transaction
from crossdock_chassis.handlers import Handlers
from crossdock_chassis.parking import (
    NotParked,
    Replayer,
    discard,
    list_parked,
    list_parked_keys,
    show_parked,
)
from crossdock_chassis.wire import EPOCH_HEADER
from crossdock_contracts.envelope import Actor, ActorKind
from crossdock_contracts.notifications import NotificationSentV1

ANNA = Actor(kind=ActorKind.PERSON, name="anna")


class Defect(Exception):
    pass


class Breakable:
    """A handler of ours that cannot do what is named in `broken`."""

    def __init__(self, bench: Any, *broken: str) -> None:
        self.broken = set(broken)
        self.calls: list[list[str]] = []
        self._bench = bench

    @property
    def handlers(self) -> Handlers:
        return {**self._bench.handlers, NotificationSentV1: self}

    async def __call__(self, events: Sequence[Any], *, tx: Transaction) -> None:
        self.calls.append([one.template for one in events])
        await self._bench.write_effects(events, tx=tx)
        if any(one.template in self.broken for one in events):
            raise Defect("secret@example.org cannot be handled")


async def parked(bench: Any) -> list[tuple[str, int]]:
    rows: list[tuple[str, int]] = await bench.query(
        "select key, count(*) from parked_event group by key order by key"
    )
    return rows


async def test_poison_in_a_batch_parks_its_key_alone_and_later_events_follow_in_order(bench: Any) -> None:
    bad, good = uuid4(), uuid4()
    handler = Breakable(bench, "bad2")
    await bench.publish(
        bench.sent(bad, "bad1"), bench.sent(good, "good1"), bench.sent(bad, "bad2"), bench.sent(bad, "bad3")
    )

    async with bench.running(handler.handlers):
        await bench.has_effects("bad1", "good1")
        await bench.publish(bench.sent(bad, "bad4"), bench.sent(good, "good2"))
        await bench.has_effects("bad1", "good1", "good2")
        await bench.caught_up()

    order = await bench.query("select convert_from(payload, 'UTF8') from parked_event order by n")
    assert await parked(bench) == [(str(bad), 3)]
    assert [one.partition('"template":"')[2][:4] for one in order] == ["bad2", "bad3", "bad4"]


async def test_what_is_told_of_a_defect_names_the_place_and_not_the_values(bench: Any) -> None:
    order = uuid4()
    await bench.publish(bench.sent(order, "bad"))

    async with bench.running(Breakable(bench, "bad").handlers):
        await bench.caught_up()

    async with bench.database.transaction() as tx:
        (group,) = await list_parked(tx.connection, bench.name)
        (key,) = await list_parked_keys(tx.connection, bench.name, fingerprint=group.fingerprint)
        shown, events = await show_parked(tx.connection, bench.name, str(order))
    (copy,) = await bench.query("select headers from outbox where topic = 'notify.dlq'")
    told = dict(zip(copy[::2], copy[1::2], strict=True))
    assert (group.error_type, group.keys, group.events, group.sample_keys) == ("Defect", 1, 1, (str(order),))
    assert key == shown
    assert "secret" not in group.error_text
    assert "test_parking" in group.error_text
    assert events[0].content is not None
    assert events[0].content["template"] == "bad"
    assert told["dlq-original-topic"] == "notification.sent"
    assert told["dlq-error-type"] == "Defect"
    assert told["dlq-error-message"] == group.error_text
    assert told["ce_type"] == NotificationSentV1.TYPE
    assert EPOCH_HEADER not in told, "the relay stamps the epoch of our own log"


async def test_a_batch_that_fails_only_together_parks_nothing(bench: Any) -> None:
    class Together(Breakable):
        async def __call__(self, events: Sequence[Any], *, tx: Transaction) -> None:
            await super().__call__(events, tx=tx)
            if len(events) > 1:
                raise Defect

    await bench.publish(*(bench.sent(uuid4(), f"t{number}") for number in range(5)))

    async with bench.running(Together(bench).handlers):
        await bench.has_effects("t0", "t1", "t2", "t3", "t4")

    assert await parked(bench) == []


async def test_replay_handles_the_events_in_order_and_frees_the_key(bench: Any) -> None:
    order = uuid4()
    handler = Breakable(bench, "one")
    await bench.publish(*(bench.sent(order, name) for name in ("one", "two", "three")))
    async with bench.running(handler.handlers):
        await bench.caught_up()
        handler.broken.clear()

        result = await Replayer(bench.database, bench.name, handler.handlers).replay(str(order), actor=ANNA)
        await bench.publish(bench.sent(order, "four"))
        await bench.has_effects("one", "two", "three", "four")

    assert (result.applied, result.left, result.error) == (3, 0, None)
    assert await bench.effects() == ["one", "two", "three", "four"]
    assert await bench.query("select count(*) from parked_key") == [0]
    assert await bench.query("select action, events, actor_name from parked_audit") == [
        ("replayed", 3, "anna")
    ]


async def test_a_replay_that_fails_again_keeps_the_rest_and_counts(bench: Any) -> None:
    order = uuid4()
    handler = Breakable(bench, "one")
    await bench.publish(*(bench.sent(order, name) for name in ("one", "two", "three")))
    async with bench.running(handler.handlers):
        await bench.caught_up()
    handler.broken = {"two"}

    result = await Replayer(bench.database, bench.name, handler.handlers).replay(str(order), actor=ANNA)

    assert (result.applied, result.left) == (1, 2)
    assert result.error is not None
    assert result.error.error_type == "Defect"
    assert await bench.effects() == ["one"]
    assert await bench.query("select attempts from parked_key") == [2]
    assert await bench.query("select action, events from parked_audit") == [("failed_again", 1)]


async def test_an_event_that_arrives_during_a_replay_comes_after_it(bench: Any) -> None:
    order = uuid4()
    breakable = Breakable(bench, "one")
    await bench.publish(bench.sent(order, "one"))
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(events: Sequence[Any], *, tx: Transaction) -> None:
        entered.set()
        await go_on.wait()
        await bench.write_effects(events, tx=tx)

    async with bench.running(breakable.handlers):
        await bench.caught_up()
        replayer = Replayer(bench.database, bench.name, {NotificationSentV1: slow})
        replay = asyncio.create_task(replayer.replay(str(order), actor=ANNA))
        await entered.wait()
        await bench.publish(bench.sent(order, "two"))
        await bench.eventually(lambda: waits_for_the_key(bench))
        go_on.set()
        result = await replay
        await bench.has_effects("one", "two")

    assert result.left == 0
    assert await bench.effects() == ["one", "two"]
    assert await bench.query("select count(*) from parked_event") == [0]


async def waits_for_the_key(bench: Any) -> bool:
    rows = await bench.query(
        "select 1 from pg_stat_activity"
        " where wait_event_type = 'Lock' and query like '%parked_key%for share%'"
    )
    return bool(rows)


async def test_replay_by_fingerprint_takes_every_key_of_the_group(bench: Any) -> None:
    orders = [uuid4() for _ in range(3)]
    handler = Breakable(bench, "bad")
    await bench.publish(*(bench.sent(one, "bad") for one in orders))
    async with bench.running(handler.handlers):
        await bench.caught_up()
    async with bench.database.transaction() as tx:
        (group,) = await list_parked(tx.connection, bench.name)
    handler.broken.clear()

    replayer = Replayer(bench.database, bench.name, handler.handlers)
    results = await replayer.replay_matching(group.fingerprint, actor=ANNA)

    assert [one.key for one in results] == sorted(map(str, orders))
    assert group.keys == 3
    assert await bench.query("select count(*) from parked_key") == [0]
    assert len(await bench.effects()) == 3


async def test_discarding_gives_the_events_up_and_writes_down_who_did(bench: Any) -> None:
    order = uuid4()
    handler = Breakable(bench, "one")
    await bench.publish(bench.sent(order, "one"), bench.sent(order, "two"))
    async with bench.running(handler.handlers):
        await bench.caught_up()
        async with bench.database.transaction() as tx:
            given_up = await discard(tx.connection, bench.name, str(order), actor=ANNA, reason="test order")
        await bench.publish(bench.sent(order, "three"))
        await bench.has_effects("three")

    audit = await bench.query("select action, events, actor_name, reason, merchant_id from parked_audit")
    assert given_up == 2
    assert audit == [("discarded", 2, "anna", "test order", "default")]
    async with bench.database.transaction() as tx:
        with pytest.raises(NotParked):
            await discard(tx.connection, bench.name, str(order), actor=ANNA, reason="again")


async def test_one_unreadable_event_is_given_up_and_all_that_waited_behind_it_is_replayed(bench: Any) -> None:
    order = uuid4()
    handler = Breakable(bench, "one")
    await bench.publish(*(bench.sent(order, name) for name in ("one", "two", "three")))
    async with bench.running(handler.handlers):
        await bench.caught_up()
        async with bench.database.transaction() as tx:
            _, (first, *_) = await show_parked(tx.connection, bench.name, str(order))
            given_up = await discard(
                tx.connection, bench.name, str(order), n=first.n, actor=ANNA, reason="nobody can read it"
            )
            with pytest.raises(NotParked):
                await discard(tx.connection, bench.name, str(order), n=first.n, actor=ANNA, reason="again")
    left = await parked(bench)
    result = await Replayer(bench.database, bench.name, handler.handlers).replay(str(order), actor=ANNA)

    assert (given_up, left) == (1, [(str(order), 2)])
    assert (result.applied, result.left, await parked(bench)) == (2, 0, [])
    assert await bench.effects() == ["two", "three"]


async def test_giving_up_the_last_event_one_by_one_frees_the_key(bench: Any) -> None:
    order = uuid4()
    await bench.publish(bench.sent(order, "one"))
    async with bench.running(Breakable(bench, "one").handlers):
        await bench.caught_up()
        async with bench.database.transaction() as tx:
            _, (only,) = await show_parked(tx.connection, bench.name, str(order))
            await discard(tx.connection, bench.name, str(order), n=only.n, actor=ANNA, reason="worthless")
        await bench.publish(bench.sent(order, "two"))
        await bench.has_effects("two")

    assert await parked(bench) == []


async def test_a_full_parking_stops_the_consumer_until_there_is_room(bench: Any) -> None:
    async with bench.database.transaction() as tx:
        await tx.connection.execute(
            text(
                "insert into parked_key (consumer, key, error_type, error_text, fingerprint)"
                " select 'notify', n::text, 'E', 'e', 'f' from generate_series(1, 1000) n"
            )
        )
    order = uuid4()
    await bench.publish(bench.sent(order, "bad"))

    async with bench.running(Breakable(bench, "bad").handlers) as consumer:

        async def is_full() -> bool:
            return bool(consumer.status.parking_full)

        await bench.eventually(is_full)
        assert await parked(bench) == []
        async with bench.database.transaction() as tx:
            await discard(tx.connection, bench.name, "1", actor=ANNA, reason="make room")
        await bench.eventually(lambda: parked(bench))

    assert await parked(bench) == [(str(order), 1)]


UNREADABLE: dict[str, dict[str, Any]] = {
    "value is not UTF-8": {"value": b'{"merchant_id":"\xff"}'},
    "value is not JSON": {"value": b"<order/>"},
    "wrong schema": {"value": b'{"merchant_id": 5}'},
    "value is null": {"value": None},
    "type is unknown": {"ce_type": b"crossdock.order.exploded.v1"},
    "version of the future": {"ce_type": b"crossdock.notification.sent.v2"},
    "id is missing": {"ce_id": None},
    "id is no UUID": {"ce_id": b"17"},
    "header is not UTF-8": {"ce_source": b"\xff\xfe"},
    "all attributes are missing": {"headers": []},
    "key is missing": {"key": None},
    "key is not UTF-8": {"key": b"\xff\x00"},
    "value is larger than an event may be": {"value": b"[" * 400_000},
    "NUL in key and header": {"key": b"a\0b", "ce_source": b"a\0b"},
}


#: Nothing is wrong with the event itself; it is shown without personal data.
READABLE_INSIDE = {"header is not UTF-8", "key is missing", "key is not UTF-8", "NUL in key and header"}


@pytest.mark.parametrize("case", UNREADABLE)
async def test_an_unreadable_record_rests_and_the_others_go_on(bench: Any, case: str) -> None:
    order = uuid4()
    await bench.publish_raw(
        await altered(bench, order, **UNREADABLE[case]),
    )
    await bench.publish(bench.sent(uuid4(), "good"))

    async with bench.running():
        await bench.has_effects("good")
        await bench.caught_up()

    async with bench.database.transaction() as tx:
        (key,) = await list_parked_keys(tx.connection, bench.name)
        _, (event,) = await show_parked(tx.connection, bench.name, key.key)
    assert key.error_type == "UnreadableRecord"
    assert event.topic == "notification.sent"
    assert (event.content is None) == (case not in READABLE_INSIDE)
    assert await bench.query("select count(*) from outbox where topic = 'notify.dlq'") == [1]


async def test_of_a_repeated_header_the_first_counts(bench: Any) -> None:
    record = await altered(bench, uuid4())
    record["headers"].append(("ce_id", b"nonsense"))
    await bench.publish_raw(record)

    async with bench.running():
        await bench.has_effects("altered")


async def test_readable_events_follow_an_unreadable_one_of_their_key(bench: Any) -> None:
    order = uuid4()
    await bench.publish(bench.sent(order, "before"))
    await bench.publish_raw(await altered(bench, order, value=b"?"))
    await bench.publish(bench.sent(order, "after"))

    async with bench.running():
        await bench.caught_up()

    assert await bench.effects() == ["before"]
    assert await parked(bench) == [(str(order), 2)]


async def altered(bench: Any, order: UUID, **changes: Any) -> dict[str, Any]:
    """A good record as `publish` would send it, with other parts or headers; None takes a header out."""
    record: dict[str, Any] = bench.record_of(bench.sent(order, "altered"))
    headers = dict(record["headers"])
    for name, value in changes.items():
        if name in record:
            record[name] = value
        elif value is None:
            del headers[name]
        else:
            headers[name] = value
    if "headers" not in changes:
        record["headers"] = list(headers.items())
    return record
