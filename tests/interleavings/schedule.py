"""A schedule of commands, deliveries, calls and deaths: small numbers that can be drawn and shrunk."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st

from inventory_service.domain.catalogue import Sku
from inventory_service.use_cases.adjust_stock import BelowNothing
from order_service.domain.errors import HoldNotFound, HoldNotReleasable, IllegalMove
from order_service.domain.holds import HoldReason
from order_service.domain.order import Policy
from order_service.use_cases import obligations
from shipping_service.domain.errors import NotRepairable, NotUnknown
from shipping_service.domain.repairing import Repair, SkuRepair

from .invariants import check_now
from .looking import JobRow
from .outside import BERLIN, HAMBURG, NEW_YORK, NOWHERE, Answer, ShopOrder
from .world import PERSON, World

T = TypeVar("T")

#: A person or a marketplace was told no: that is an answer.
REFUSALS = (IllegalMove, HoldNotFound, HoldNotReleasable, NotRepairable, NotUnknown, BelowNothing)

BASKETS: Sequence[tuple[tuple[str, int], ...]] = (
    (("mug", 1),),
    (("mug", 2), ("cap", 1)),
    (("cap", 3),),
    (("set", 1),),
    (("ghost", 1), ("mug", 1)),
    (("mug", 4),),
    (("vase", 1),),
    (("mug", 1), ("mug", 2)),
)
ADDRESSES = (BERLIN, HAMBURG, NEW_YORK, NOWHERE)
CONSUMERS = ("order", "inventory", "shipping", "notify")
GHOST = Sku(
    sku="ghost", title="Ghost", weight_g=100, hs_code="950300", origin_country="CN", customs_description="Toy"
)


class Step(NamedTuple):
    """What to do; `a` and `b` choose among what there is to do it with, `c` how it goes."""

    what: str
    a: int
    b: int
    c: int


#: How often each step comes up.
WEIGHTS = {
    "deliver": 40,
    "deliver_all": 6,
    "place": 6,
    "pay": 2,
    "move": 4,
    "reduce": 3,
    "buyer_cancels": 3,
    "old_word": 1,
    "cancel": 3,
    "hold": 2,
    "release": 3,
    "retry": 2,
    "correct": 2,
    "receive": 6,
    "count": 2,
    "make_known": 1,
    "hand_over": 6,
    "repair": 2,
    "decide": 1,
    "claim": 8,
    "run": 14,
    "fire": 2,
    "hours": 1,
}
#: What becomes of a call; most go well, and all that do not stand together from FIRST_TROUBLE on.
ANSWERS = (Answer.OK, Answer.OK, Answer.OK, Answer.OK, *Answer)
FIRST_TROUBLE = 5
_small = st.integers(0, 11)
STEPS = st.builds(
    Step,
    st.sampled_from([name for name, weight in WEIGHTS.items() for _ in range(weight)]),
    _small,
    _small,
    _small,
)


@dataclass
class Player:
    """Plays steps on a world. A call to a carrier may have further steps of the schedule in its middle."""

    world: World
    steps: Iterator[Step]
    played: list[Step] = field(default_factory=list)
    _repaired: set[Any] = field(default_factory=set)

    async def play(self, most: int | None = None) -> None:
        for step in self.steps:
            await self.take(step)
            await check_now(self.world)
            if most is not None:
                most -= 1
                if most <= 0:
                    return

    async def take(self, step: Step) -> None:
        """One step; a refusal is an answer."""
        self.played.append(step)
        action: Callable[[Step], Awaitable[object]] = getattr(self, f"_{step.what}")
        with suppress(*REFUSALS):
            await action(step)
        await self.world.bus.collect("order")

    # -- the bus -------------------------------------------------------------------------------------------

    async def _deliver(self, step: Step) -> None:
        bus = self.world.bus
        consumers = [one for one in CONSUMERS if bus.open_streams(one)]
        if not consumers:
            return
        consumer = _one(consumers, step.a)
        streams = bus.open_streams(consumer)
        first = step.b % len(streams)
        count = 1 + step.c % 4
        picks = [streams[(first + n * (1 + step.b % 3)) % len(streams)] for n in range(count)]
        heard = bus.heard[consumer]
        again = [heard[-1 - step.b % len(heard)]] if heard and step.c in {5, 6, 7} else []
        await bus.deliver(consumer, picks, again=again, dies=step.c in {10, 11}, forgets=step.c == 9)

    async def _deliver_all(self, step: Step) -> None:
        await self.world.deliver(_one(CONSUMERS, step.a))

    # -- the marketplace -----------------------------------------------------------------------------------

    async def _place(self, step: Step) -> None:
        if len(self.world.shop.orders) >= 5:
            return
        to = NOWHERE if step.c == 11 else _one(ADDRESSES[:3], step.c)
        policy = _one(tuple(Policy), step.b)
        await self.world.place(*_one(BASKETS, step.a), policy=policy, paid=step.c % 4 != 3, to=to)

    async def _pay(self, step: Step) -> None:
        for order in self._shop_order(step):
            await self.world.pay(order)

    async def _move(self, step: Step) -> None:
        for order in self._shop_order(step):
            await self.world.move(order, _one(ADDRESSES, step.b))

    async def _reduce(self, step: Step) -> None:
        for order in self._shop_order(step):
            line = step.b % len(order.lines)
            left = order.lines[line].quantity - order.lines[line].cancelled
            if left:
                await self.world.reduce(order, line, min(left, 1 + step.c % 3))

    async def _buyer_cancels(self, step: Step) -> None:
        for order in self._shop_order(step):
            await self.world.buyer_cancels(order)

    async def _old_word(self, step: Step) -> None:
        """A webhook comes again."""
        for order in self._shop_order(step):
            await self.world.tell(order)

    # -- people --------------------------------------------------------------------------------------------

    async def _cancel(self, step: Step) -> None:
        for order in self._shop_order(step):
            await self.world.cancel(order)

    async def _hold(self, step: Step) -> None:
        for order in self._shop_order(step):
            await self.world.hold(order)

    async def _release(self, step: Step) -> None:
        for order in self._shop_order(step):
            holds = sorted((await self.world.seen(order)).process.holds)
            if holds:
                await self.world.release(order, HoldReason(_one(holds, step.b)))

    async def _retry(self, step: Step) -> None:
        for order in self._shop_order(step):
            await self.world.retry(order)

    async def _correct(self, step: Step) -> None:
        for order in self._shop_order(step):
            await self.world.correct(order, _one(ADDRESSES[:3], step.b))

    async def _receive(self, step: Step) -> None:
        await self.world.receive(
            _one(("mug", "cap", "vase"), step.a), 1 + step.b, _one(("BER", "POZ"), step.c)
        )

    async def _count(self, step: Step) -> None:
        await self.world.count(_one(("mug", "cap"), step.a), step.b // 2, _one(("BER", "POZ"), step.c))

    async def _make_known(self, step: Step) -> None:
        await self.world.put_skus(GHOST)
        await self.world.receive("ghost", 1 + step.b)

    async def _hand_over(self, step: Step) -> None:
        found = await self.world.shipments("labelled")
        if found:
            await self.world.hand_over(_one(found, step.a))

    async def _repair(self, step: Step) -> None:
        found = await self.world.shipments("needs_repair")
        if found:
            await self.world.repair(_one(found, step.a))

    async def _decide(self, step: Step) -> None:
        found = await self.world.shipments("outcome_unknown", "cancelling")
        if found and not self.world.in_flight:
            await self.world.decide(_one(found, step.a))

    # -- calls and time ------------------------------------------------------------------------------------

    async def _claim(self, step: Step) -> None:
        await self.world.claim(_one(CONSUMERS, step.a))

    async def _run(self, step: Step) -> None:
        world = self.world
        if not world.in_flight:
            await world.claim()
        if not world.in_flight:
            return
        position = step.a % len(world.in_flight)
        member, job = world.in_flight[position]
        script = {
            "buy_label": _one(
                (world.carrier.buying, world.carrier.preparing, world.carrier.finding), step.c // 4
            ),
            "void_label": world.carrier.voiding,
            "check_void": world.carrier.voiding,
            "channel.send": world.mailbox.taking,
        }.get(job.kind, world.shop.telling)
        script.answers.clear()
        script.then(_one(ANSWERS, step.b))
        if member.name == "shipping" and step.c % 3 == 0:
            script.meanwhile.append(lambda: self.play(1 + step.c % 4))
        await world.run(position)

    async def _fire(self, step: Step) -> None:
        await self.world.fire()

    async def _hours(self, step: Step) -> None:
        self.world.clock.pass_by(timedelta(hours=1 + 5 * step.a))

    # -- the end -------------------------------------------------------------------------------------------

    async def finish(self) -> None:
        """Nothing goes wrong any more, and people do what they are asked to."""
        world = self.world
        for script in (
            *(world.carrier.preparing, world.carrier.buying, world.carrier.finding, world.carrier.voiding),
            *(world.shop.telling, world.mailbox.taking),
        ):
            script.answers.clear()
            script.meanwhile.clear()
        while world.in_flight:
            await world.run()
        said = 0
        for _ in range(12):
            said = len(world.bus.log)
            await world.settle()
            await self._do_what_people_are_asked()
            await world.wait(timedelta(hours=25))
            if said == len(world.bus.log) and not await self._open_jobs():
                return
        late = [f"{one.publisher} {one.event.TOPIC}" for one in world.bus.log[said:]]
        raise AssertionError(f"people and services never come to rest: {late}, {await self._open_jobs()}")

    async def _do_what_people_are_asked(self) -> None:
        world = self.world
        in_doubt = {one.shipment_id for one in await world.look.labels() if one.state == "unknown"}
        for shipment in sorted(in_doubt):
            await world.decide(shipment)
        for shipment in set(await world.shipments("needs_repair")) - self._repaired:
            self._repaired.add(shipment)  # what is not mended by it is the order's matter, such as an address
            given = SkuRepair(hs_code="691110", origin_country="CN")
            items = await world.look.items()
            skus = [one.sku for one in items if one.shipment_id == shipment and one.state != "cancelled"]
            await world.repair(shipment, Repair(skus=dict.fromkeys(skus, given)))
        for obligation in await world.look.obligations():
            if obligation.state != "confirmed":
                async with world.order.database.transaction() as tx:
                    await obligations.retry(obligation.obligation_id, world.merchant, PERSON, "again", tx=tx)
        await world.settle()
        await world.hand_over()

    async def _open_jobs(self) -> list[JobRow]:
        return [one for one in await self.world.look.jobs() if one.state in {"ready", "running"}]

    # -- choosing ------------------------------------------------------------------------------------------

    def _shop_order(self, step: Step) -> list[ShopOrder]:
        """One order of the shop, or none."""
        orders = list(self.world.shop.orders.values())
        return [_one(orders, step.a)] if orders else []


def _one(choices: Sequence[T], n: int) -> T:
    return choices[n % len(choices)]
