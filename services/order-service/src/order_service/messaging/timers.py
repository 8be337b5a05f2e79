"""order-service's timers. Each looks at the state first: it may have moved on."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from crossdock_chassis.timers import Timer, TimerHandler
from crossdock_contracts.envelope import Actor, ActorKind
from order_service.persistence.transaction import OrderTransaction
from order_service.use_cases.follow_events import DEFERRED_TIMER, warn_deferred
from order_service.use_cases.learn_skus import WAITING_TIMER, look_again
from order_service.use_cases.obligations import OVERDUE_TIMER, warn_overdue
from order_service.use_cases.steer_order import expire_unpaid
from order_service.use_cases.tell import UNPAID_TIMER


async def on_unpaid(timer: Timer, *, tx: OrderTransaction) -> None:
    """Nobody paid in time."""
    await expire_unpaid(timer.merchant_id, UUID(timer.key), tx=tx)


async def on_overdue(timer: Timer, *, tx: OrderTransaction) -> None:
    """A marketplace has not confirmed what it was told."""
    await warn_overdue(UUID(timer.key), timer.merchant_id, tx=tx)


async def on_deferred(timer: Timer, *, tx: OrderTransaction) -> None:
    """News rests because other news has not come."""
    await warn_deferred(UUID(timer.key), timer.merchant_id, tx=tx)


async def on_waiting(timer: Timer, *, tx: OrderTransaction) -> None:
    """More orders waited for a SKU than one transaction looked at."""
    actor = Actor(kind=ActorKind.TIMER, name=WAITING_TIMER)
    after = UUID(str(timer.payload["after"]))
    await look_again(
        timer.merchant_id,
        [str(timer.payload["sku"])],
        actor=actor,
        reason=None,
        cause=timer.cause,
        after=after,
        tx=tx,
    )


TIMERS: Mapping[str, TimerHandler[Any]] = {
    UNPAID_TIMER: on_unpaid,
    OVERDUE_TIMER: on_overdue,
    DEFERRED_TIMER: on_deferred,
    WAITING_TIMER: on_waiting,
}
