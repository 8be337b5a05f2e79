"""Our database is back at an earlier time, and the topics hold what we said afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from crossdock_chassis.database import NO_CAUSE, Transaction, open_engine
from crossdock_chassis.divert import MAX_KEYS
from crossdock_chassis.faults import TAKEN_BACK
from crossdock_chassis.handlers import Handlers
from crossdock_chassis.ids import new_id
from crossdock_chassis.lost_future import LogUnreadable
from crossdock_chassis.restore import Plan, Restorer, StillRunning
from crossdock_chassis.settling import Settler
from crossdock_chassis.wire import WireEvent, encode
from crossdock_contracts.envelope import Actor, ActorKind, Cause, Event
from crossdock_contracts.notifications import NotificationFailedV1, NotificationSentV1

from .conftest import Bench, failed, sent, write_effects

PERSON = Actor(kind=ActorKind.PERSON, name="anna")
SAID: Mapping[type[Event], str] = {NotificationSentV1: "say that it was sent"}
HEARD: Handlers = {NotificationFailedV1: write_effects}


def a_restorer(bench: Bench) -> Restorer:
    return Restorer(bench.database, bench.kafka, consumer="notify", publishes=SAID, handlers=HEARD)


async def restore(bench: Bench) -> Plan:
    await bench.database.engine.dispose()
    return await a_restorer(bench).restore(actor=PERSON, reason="disk full")


async def say_and_remember(bench: Bench, order: UUID) -> WireEvent:
    """An event that our event log has, as it was sent."""
    wire = encode(sent(order, "confirmed"), event_id=new_id(), at=datetime.now(UTC), cause=NO_CAUSE)
    async with bench.database.transaction() as tx:
        tx.outbox.add_wire(wire)
    await bench.publish_again(wire)
    return wire


async def parked(bench: Bench) -> list[tuple[str, str, int]]:
    return await bench.query(
        "select k.key, k.error_text, count(e.n)"
        " from parked_key k left join parked_event e using (consumer, key)"
        " where consumer = 'notify' group by k.key, k.error_text order by k.key"
    )


async def test_what_the_database_does_not_know_any_more_is_a_task_and_what_it_knows_is_none(
    bench: Bench,
) -> None:
    known, lost = uuid4(), uuid4()
    await say_and_remember(bench, known)
    await bench.publish(sent(lost, "confirmed", 1), sent(lost, "shipped", 2))

    plan = await restore(bench)

    assert (plan.keys, plan.lost) == (1, {NotificationSentV1.TYPE: 2})
    assert await parked(bench) == [(str(lost), "say that it was sent", 2)]
    assert await bench.query("select action, reason from operation_audit") == [("restored", "disk full")]


async def test_what_a_relay_sent_twice_is_one_task(bench: Bench) -> None:
    lost = uuid4()
    (wire,) = await bench.publish(sent(lost, "confirmed"))
    await bench.publish_again(wire)

    plan = await restore(bench)

    assert plan.lost == {NotificationSentV1.TYPE: 1}


async def test_versions_are_counted_above_all_that_the_lost_future_can_have_counted(bench: Bench) -> None:
    await restore(bench)

    async with bench.database.transaction() as tx:
        assert tx.version_floor == 2**32


async def test_words_about_such_a_key_wait_until_a_person_has_settled_it(bench: Bench) -> None:
    lost, other = uuid4(), uuid4()
    await bench.publish(sent(lost, "confirmed"))
    await restore(bench)
    settler = Settler(bench.database, "notify", HEARD)

    async with bench.running(HEARD):
        await bench.publish(failed(lost, "first"), failed(lost, "second"), failed(other, "at once"))
        await bench.has_effects("at once")
        await bench.caught_up()
        assert [events for _, _, events in await parked(bench)] == [3]
        result = await settler.settle(str(lost), actor=PERSON, reason="the mailbox has it")

    assert (result.applied, result.left) == (2, 0)
    assert await bench.effects() == ["at once", "first", "second"]
    assert await parked(bench) == []
    assert await bench.query("select action, events, reason from parked_audit order by at") == [
        ("discarded", 1, "the mailbox has it"),
    ]


async def test_what_led_to_a_lost_word_runs_first_and_what_came_after_waits_for_its_calls_in_doubt(
    bench: Bench,
) -> None:
    order = uuid4()

    async def ask(events: Sequence[Any], *, tx: Transaction) -> None:
        await write_effects(events, tx=tx)
        for one in events:
            await tx.jobs.add(
                "buy", one.template, merchant_id="m", destination="c", payload={}, caused_by=one.cause
            )

    (led,) = await bench.publish(failed(order, "asked"))
    cause = Cause(led.event_id, led.event_id)
    lost = encode(sent(order, "bought"), event_id=new_id(), at=datetime.now(UTC), cause=cause)
    await bench.publish_again(lost)
    await bench.publish(failed(order, "over"))
    await restore(bench)
    settler = Settler(bench.database, "notify", {NotificationFailedV1: ask})

    async with bench.running({NotificationFailedV1: ask}):
        await bench.caught_up()
        first = await settler.settle(str(order), actor=PERSON, reason="looked at")
        assert (first.applied, first.left, first.error) == (1, 2, None)
        assert await bench.effects() == ["asked"]
        await bench.query("update job set state = 'done' returning job_id")
        then = await settler.settle(str(order), actor=PERSON, reason="the carrier has it")

    assert (then.applied, then.left) == (1, 0)
    assert await bench.effects() == ["asked", "over"]
    assert await parked(bench) == []


async def test_all_that_nobody_has_touched_are_settled_at_once(bench: Bench) -> None:
    await bench.publish(*(sent(uuid4(), "confirmed") for _ in range(3)))
    await restore(bench)

    results = await Settler(bench.database, "notify", HEARD).settle_all(
        actor=PERSON, reason="looked at", max_keys=100
    )

    assert [one.left for one in results] == [0, 0, 0]
    assert await parked(bench) == []


async def test_doing_it_again_raises_no_task_twice_not_even_one_that_was_settled(bench: Bench) -> None:
    settled, open_one = uuid4(), uuid4()
    await bench.publish(sent(settled, "confirmed"), sent(open_one, "confirmed"))
    await restore(bench)
    settler = Settler(bench.database, "notify", HEARD)
    await settler.settle(str(settled), actor=PERSON, reason="looked at")

    plan = await restore(bench)

    assert plan.lost == {}
    assert await parked(bench) == [(str(open_one), "say that it was sent", 1)]


async def test_calls_that_were_open_are_in_doubt(bench: Bench) -> None:
    async with bench.database.transaction() as tx:
        for name in ("ready", "running", "done"):
            await tx.jobs.add("mail", name, merchant_id="m", destination="smtp", payload={})
    await bench.query(
        "update job set state = reference,"
        " lease_owner = case reference when 'running' then gen_random_uuid() end,"
        " lease_until = case reference when 'running' then now() end returning job_id"
    )

    plan = await restore(bench)

    assert plan.jobs == 2
    rows = await bench.query(
        "select reference, state, outcome_unknown, after_restore from job order by reference"
    )
    assert rows == [
        ("done", "done", False, False),
        ("ready", "ready", True, True),
        ("running", "ready", True, True),
    ]


async def test_a_call_is_in_doubt_when_it_follows_from_an_event_older_than_the_restore(bench: Bench) -> None:
    before = new_id()
    await restore(bench)
    causes = {"older": Cause(before), "newer": Cause(new_id()), "nobody": NO_CAUSE}

    async with bench.database.transaction() as tx:
        for name, cause in causes.items():
            await tx.jobs.add("mail", name, merchant_id="m", destination="smtp", payload={}, caused_by=cause)

    doubtful = await bench.query("select reference from job where after_restore and outcome_unknown")
    assert doubtful == ["older"]
    assert await bench.query("select count(*) from job where outcome_unknown") == [1]


async def test_a_log_that_the_lost_future_wrote_anew_is_written_anew_once_more(bench: Bench) -> None:
    await bench.publish(sent(uuid4(), "confirmed"), epoch=3)

    plan = await restore(bench)

    assert plan.rebuild
    assert await bench.query("select epoch, rebuild_wanted from log_epoch") == [(3, "disk full")]


async def test_a_dry_run_tells_the_same_and_changes_nothing(bench: Bench) -> None:
    await bench.publish(sent(uuid4(), "confirmed"), epoch=2)
    await bench.database.engine.dispose()

    planned = await a_restorer(bench).plan()

    assert await parked(bench) == []
    assert await bench.query("select epoch, version_floor from restore_epoch") == [(0, 0)]
    assert await bench.query("select epoch, rebuild_wanted from log_epoch") == [(1, None)]
    assert replace(planned, last_event_at=None) == replace(await restore(bench), last_event_at=None)


async def test_nothing_is_done_while_the_service_runs(bench: Bench) -> None:
    await bench.publish(sent(uuid4(), "confirmed"))
    await bench.database.engine.dispose()
    running = open_engine(bench.urls.app_url)
    async with running.connect() as connection:
        await connection.exec_driver_sql("select 1")

        with pytest.raises(StillRunning):
            await a_restorer(bench).restore(actor=PERSON, reason="disk full")

    await running.dispose()
    assert await bench.query("select epoch from restore_epoch") == [0]


async def test_nothing_is_done_without_a_broker(bench: Bench) -> None:
    await bench.broker.kill()

    with pytest.raises(LogUnreadable, match="no broker answers"):
        await restore(bench)

    assert await bench.query("select epoch from restore_epoch") == [0]


async def test_many_tasks_do_not_count_as_parked_too_many(bench: Bench) -> None:
    await bench.publish(*(sent(uuid4(), "confirmed") for _ in range(MAX_KEYS + 1)))

    plan = await restore(bench)

    assert plan.keys == MAX_KEYS + 1
    assert await bench.query("select distinct fingerprint from parked_key") == [TAKEN_BACK]
