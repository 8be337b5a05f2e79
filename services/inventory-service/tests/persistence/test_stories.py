"""Random stories told to the real service: whatever happens in whatever order, the books agree."""

import random
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from crossdock_contracts.envelope import Event
from crossdock_contracts.inventory import StockAnswer, StockReservedV1
from crossdock_contracts.orders import FulfilmentPolicy, FulfilmentState
from crossdock_contracts.shipping import Request

from ..samples import NOON, AnOrder
from ..stage import Stage

EventOf = Callable[[AnOrder, StockReservedV1], Event]


@pytest.mark.parametrize("seed", range(4))
async def test_after_any_story_the_ledger_and_the_reservations_add_up(stage: Stage, seed: int) -> None:
    story = Story(stage, random.Random(seed))

    for _ in range(40):
        await story.go_on()

        assert await stage.drift() == []
    for order_id, versions in story.answers.items():
        assert versions == sorted(versions), order_id
    assert story.aggregate_versions_are_gapless()


class Story:
    """Random verbs of buyers, shipping and warehouse people, each told to the real service."""

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self.stage = stage
        self.chance = chance
        self.orders: list[AnOrder] = []
        self.skus: dict[UUID, list[str]] = {}
        self.sets: dict[UUID, StockReservedV1] = {}
        self.answers: dict[UUID, list[int]] = {}
        self._versions: dict[UUID, list[int]] = {}

    async def go_on(self) -> None:
        verbs = [self._order, self._order, self._change, self._cancel, self._ship, self._let_go]
        verb = self.chance.choice([*verbs, self._receive, self._receive, self._count])
        self._note(await verb())

    def aggregate_versions_are_gapless(self) -> bool:
        return all(sorted(found) == list(range(1, len(found) + 1)) for found in self._versions.values())

    def _note(self, said: list[Event]) -> None:
        for event in said:
            if isinstance(event, StockReservedV1):
                self.sets[event.order_id] = event
            if isinstance(event, StockAnswer):
                self._versions.setdefault(event.order_id, []).append(event.aggregate_version)
                self.answers.setdefault(event.order_id, []).append(event.order_version)

    async def _order(self) -> list[Event]:
        skus = self.chance.sample(["mug", "cap"], self.chance.randint(1, 2))
        order = AnOrder(
            lines=[(sku, self.chance.randint(1, 4)) for sku in skus],
            policy=self.chance.choice(list(FulfilmentPolicy)),
            placed_at=NOON + timedelta(minutes=len(self.orders)),
        )
        self.orders.append(order)
        self.skus[order.order_id] = skus
        return await self.stage.hear(order.created(self._state()))

    async def _change(self) -> list[Event]:
        if not self.orders:
            return []
        order = self.chance.choice(self.orders)
        order.lines = [(sku, self.chance.randint(0, 4)) for sku in self.skus[order.order_id]]
        return await self.stage.hear(order.changed(self._state()))

    async def _cancel(self) -> list[Event]:
        return await self.stage.hear(self.chance.choice(self.orders).cancelled()) if self.orders else []

    async def _ship(self) -> list[Event]:
        return await self._with_a_set(
            lambda order, found: order.shipped(self.chance.choice(found.allocations))
        )

    async def _let_go(self) -> list[Event]:
        def answer(order: AnOrder, found: StockReservedV1) -> Event:
            ids = [*found.withdrawn_allocation_ids, *(one.allocation_id for one in found.allocations)]
            request = self.chance.choice([Request.CANCEL, Request.WITHDRAW])
            if self.chance.random() < 0.5:
                return order.let_go(ids[0], request=request)
            return order.refused(ids[0], request=request)

        return await self._with_a_set(answer)

    async def _with_a_set(self, event: EventOf) -> list[Event]:
        known = [
            one for one in self.orders if one.order_id in self.sets and self.sets[one.order_id].allocations
        ]
        if not known:
            return []
        order = self.chance.choice(known)
        return await self.stage.hear(event(order, self.sets[order.order_id]))

    async def _receive(self) -> list[Event]:
        sku, warehouse = self.chance.choice(["mug", "cap"]), self.chance.choice(["BER", "POZ"])
        return await self.stage.receive(sku, self.chance.randint(1, 6), warehouse)

    async def _count(self) -> list[Event]:
        await self.stage.count(self.chance.choice(["mug", "cap"]), self.chance.randint(0, 5))
        return await self.stage.said_since()

    def _state(self) -> FulfilmentState:
        return self.chance.choice([FulfilmentState.OPEN, FulfilmentState.OPEN, FulfilmentState.HELD])
