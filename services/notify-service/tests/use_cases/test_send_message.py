from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from crossdock_contracts.envelope import Actor, ActorKind, Cause
from notify_service.domain.errors import IllegalMove
from notify_service.domain.messages import MessageState
from notify_service.use_cases import decide_message, send_message
from notify_service.use_cases.take_snapshots import take_snapshots

from ..fakes import FakeChannel, FakeRenderer, FakeTransaction
from ..samples import MERCHANT, NOON, a_snapshot

ACTOR = Actor(kind=ActorKind.PERSON, name="anna")
CHANNELS = {"email": FakeChannel()}


async def a_waiting_message() -> FakeTransaction:
    """A transaction with one confirmation that waits."""
    tx = FakeTransaction()
    await take_snapshots([a_snapshot(uuid4())], tx=tx)
    return tx


async def begin(tx: FakeTransaction) -> send_message.Ready | None:
    asked = {tx.only_message.message_id: Cause()}
    ready = await send_message.begin(asked, CHANNELS, FakeRenderer(), tx=tx)
    return ready.get(tx.only_message.message_id)


async def test_the_attempt_is_stored_before_anything_is_handed_over() -> None:
    tx = await a_waiting_message()

    ready = await begin(tx)

    assert ready is not None
    assert tx.only_message.state is MessageState.SENDING
    assert tx.only_message.attempts == 1
    assert tx.outbox.events == []


async def test_an_attempt_that_finds_another_under_way_asks_a_person_and_hands_nothing_over() -> None:
    tx = await a_waiting_message()
    await begin(tx)

    second = await begin(tx)

    assert second is None
    assert tx.only_message.state is MessageState.OUTCOME_UNKNOWN
    assert [event.TYPE for event in tx.outbox.events] == ["crossdock.notification.failed.v1"]


async def test_in_doubt_it_is_never_begun_again() -> None:
    tx = await a_waiting_message()
    await begin(tx)
    await begin(tx)

    third = await begin(tx)

    assert third is None
    assert len(tx.outbox.events) == 1


async def test_who_waits_too_long_for_a_server_has_failed() -> None:
    tx = await a_waiting_message()
    ready = await begin(tx)
    assert ready is not None
    tx.now = NOON + timedelta(hours=25)

    waits = await send_message.put_off(ready, "unreachable", tx=tx)

    assert not waits
    assert (tx.only_message.state, tx.only_message.code) == (MessageState.FAILED, "gave_up: unreachable")
    assert len(tx.outbox.events) == 1


async def test_a_retry_gives_the_full_time_again() -> None:
    tx = await a_waiting_message()
    ready = await begin(tx)
    assert ready is not None
    await send_message.refuse(ready, "smtp_550", tx=tx)
    tx.now = NOON + timedelta(hours=25)

    await decide_message.retry(MERCHANT, tx.only_message.message_id, ACTOR, "fixed", tx=tx)
    again = await begin(tx)
    assert again is not None
    waits = await send_message.put_off(again, "unreachable", tx=tx)

    assert waits
    assert tx.jobs.again_asked == [str(tx.only_message.message_id)]


async def test_what_was_erased_meanwhile_is_not_sent() -> None:
    tx = await a_waiting_message()
    (order,) = tx.orders.rows.values()
    await tx.orders.save([replace(order, buyer=replace(order.buyer, email=None, name=None))])

    ready = await begin(tx)

    assert ready is None
    assert (tx.only_message.state, tx.only_message.code) == (MessageState.SUPPRESSED, "no_address")


async def test_nobody_decides_about_a_message_that_was_sent() -> None:
    tx = await a_waiting_message()
    ready = await begin(tx)
    assert ready is not None
    await send_message.accept([(ready, "250 OK")], tx=tx)

    with pytest.raises(IllegalMove):
        await decide_message.send_again(MERCHANT, tx.only_message.message_id, ACTOR, "x", tx=tx)

    assert len(tx.messages.rows) == 1
