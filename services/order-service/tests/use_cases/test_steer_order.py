from datetime import timedelta

import pytest

from crossdock_contracts.orders import OrderCancelledV1, OrderChangedV1
from order_service.domain.errors import HoldNotFound, IllegalMove
from order_service.domain.holds import HoldReason
from order_service.domain.order import Order
from order_service.domain.order_table import OrderStatus
from order_service.use_cases.ports import NotFound
from order_service.use_cases.steer_order import (
    Command,
    cancel_order,
    expire_unpaid,
    hold_order,
    release_order,
)

from ..domain.an_order import NOON, an_order
from ..samples import PERSON, an_account
from .fakes import FakeTransaction


def a_transaction(order: Order) -> FakeTransaction:
    return FakeTransaction(order, account=an_account(), now=NOON)


def a_command(order: Order, merchant_id: str = "default") -> Command:
    return Command(merchant_id, order.identity.order_id, PERSON, "buyer asked")


def an_unpaid_order() -> Order:
    order = an_order(2, told=False)
    order.set_hold(HoldReason.UNPAID, "payment is pending", NOON)
    order.process.reserve_until = NOON
    order.conclude()
    return order


async def test_a_cancel_is_told_with_who_asked_and_why() -> None:
    order = an_order(2)
    tx = a_transaction(order)

    await cancel_order(a_command(order), tx=tx)

    (event,) = tx.outbox.events
    assert isinstance(event, OrderCancelledV1)
    assert (event.aggregate_version, event.actor, event.reason) == (2, PERSON, "buyer asked")
    assert [note.what for note in tx.orders.notes] == ["person.cancelled", "order.cancelling"]


async def test_a_closed_order_is_not_cancelled_and_nobody_is_told() -> None:
    order = an_order(2)
    order.status = OrderStatus.CLOSED
    tx = a_transaction(order)

    with pytest.raises(IllegalMove):
        await cancel_order(a_command(order), tx=tx)

    assert (tx.outbox.events, tx.orders.saved) == ([], 0)


async def test_an_order_of_another_merchant_is_not_found() -> None:
    order = an_order(2)

    with pytest.raises(NotFound):
        await hold_order(a_command(order, "somebody-else"), tx=a_transaction(order))


async def test_a_hold_that_is_not_there_cannot_be_released() -> None:
    order = an_order(2)

    with pytest.raises(HoldNotFound):
        await release_order(a_command(order), HoldReason.MANUAL, tx=a_transaction(order))


async def test_a_person_may_let_an_unpaid_order_go_and_its_timer_is_gone() -> None:
    order = an_unpaid_order()
    order.process.has_timer = True
    tx = a_transaction(order)
    tx.timers.due["unpaid_expires"] = NOON

    await release_order(a_command(order), HoldReason.UNPAID, tx=tx)

    (event,) = tx.outbox.events
    assert isinstance(event, OrderChangedV1)
    assert (event.fulfilment.state, event.fulfilment.reserve_until) == ("open", None)
    assert tx.timers.due == {}


async def test_an_order_nobody_paid_for_is_cancelled_by_its_timer() -> None:
    order = an_unpaid_order()
    tx = a_transaction(order)

    await expire_unpaid("default", order.identity.order_id, tx=tx)

    (event,) = tx.outbox.events
    assert (event.reason, event.actor.name) == ("unpaid", "unpaid_expires")
    assert order.status is OrderStatus.CANCELLING


@pytest.mark.parametrize("why", ["paid", "later", "gone"])
async def test_a_timer_that_fires_after_the_order_moved_on_does_nothing(why: str) -> None:
    order = an_unpaid_order()
    if why == "paid":
        order.lift(HoldReason.UNPAID)
        order.conclude()
    elif why == "later":
        order.process.reserve_until = NOON + timedelta(hours=1)
    tx = FakeTransaction(*([] if why == "gone" else [order]), account=an_account(), now=NOON)

    await expire_unpaid("default", order.identity.order_id, tx=tx)

    assert tx.outbox.events == []
