"""The four services in one process, talking through a bus the test is the master of."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import inventory_service
import notify_service
import order_service
import shipping_service
from crossdock_chassis.database import Database, open_engine
from crossdock_chassis.handlers import Handlers
from crossdock_chassis.ids import new_id
from crossdock_chassis.jobs import Job
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.templates import FreshDatabase
from crossdock_contracts.envelope import Actor, ActorKind
from inventory_service.domain.because import Because
from inventory_service.domain.catalogue import Sku, Warehouse
from inventory_service.domain.level import LevelKey
from inventory_service.messaging import HANDLERS as INVENTORY_HANDLERS
from inventory_service.messaging.timers import TIMERS as INVENTORY_TIMERS
from inventory_service.persistence.database import open_database as open_inventory
from inventory_service.use_cases.adjust_stock import Adjustment, adjust_stock
from inventory_service.use_cases.put_catalogue import put_skus, put_warehouse
from inventory_service.use_cases.receive_stock import ReceiptLine, receive_stock
from notify_service.adapters.rendering import TemplateRenderer
from notify_service.messaging import HANDLERS as NOTIFY_HANDLERS
from notify_service.messaging.jobs import ChannelJobs
from notify_service.persistence.transaction import open_database as open_notify
from notify_service.use_cases.ports import Policy as Telling
from order_service.domain.canonical import Address
from order_service.domain.holds import HoldReason
from order_service.domain.lines import Component, Mapped
from order_service.domain.order import LabelSource, Order, Policy
from order_service.messaging import inventory_events, shipping_events
from order_service.messaging.jobs import MarketplaceJobs
from order_service.messaging.obligation_jobs import ObligationJobs
from order_service.messaging.timers import TIMERS as ORDER_TIMERS
from order_service.persistence.sealing import Sealer
from order_service.persistence.transaction import open_database as open_orders
from order_service.use_cases.import_order import Retention
from order_service.use_cases.ports import Account, Message, OrderRef, Secrets
from order_service.use_cases.receive_message import Received, receive_messages
from order_service.use_cases.steer_order import (
    Command,
    cancel_order,
    change_address,
    hold_order,
    release_order,
    retry_order,
)
from shipping_service.adapters.papers.printer import PaperPrinter
from shipping_service.domain.consignment import DocumentKind
from shipping_service.domain.repairing import Repair
from shipping_service.domain.rules import Conditions, Rule
from shipping_service.messaging import HANDLERS as SHIPPING_HANDLERS
from shipping_service.messaging.carrier_jobs import CarrierJobs, Connected
from shipping_service.messaging.outages import Outages
from shipping_service.persistence.transaction import open_database as open_shipping
from shipping_service.use_cases.decide_outcome import Decision, decide_outcome
from shipping_service.use_cases.hand_over import HandedOver, HandOver, hand_over
from shipping_service.use_cases.ports import Capabilities, DomainSettings
from shipping_service.use_cases.repair_shipment import repair_shipment

from .bus import Bus
from .looking import DatabaseLook, Look
from .members import Clock, Member
from .outside import BERLIN, FIRST_UPDATE, Carrier, Mailbox, Shop, ShopLine, ShopOrder

SERVICES = (order_service, inventory_service, shipping_service, notify_service)
ORDER_HANDLERS: Handlers = {**inventory_events.HANDLERS, **shipping_events.HANDLERS}
TRY_AGAIN = Repair()
PERSON = Actor(kind=ActorKind.PERSON, name="anna")
COUNTED = Because("person", "anna", "counted")
#: It makes all papers itself: a thread that prints would be none of the schedule's steps.
ALL: frozenset[DocumentKind] = frozenset(DocumentKind)
ASKABLE = Capabilities(can_find=True, can_void=True, void_is_async=True, pays_once=True, makes=ALL)
#: Like DHL: nobody can be asked and nothing is taken back.
BLIND = Capabilities(can_find=False, can_void=False, void_is_async=False, makes=ALL)


@dataclass(frozen=True)
class Databases:
    """The four, migrated; `clock` is the time of all of them."""

    order: Database[Any]
    inventory: Database[Any]
    shipping: Database[Any]
    notify: Database[Any]
    clock: Clock
    carriers: dict[str, Capabilities]


@asynccontextmanager
async def open_databases(fresh_database: FreshDatabase) -> AsyncIterator[Databases]:
    clock = Clock()
    engines = {}
    for module in SERVICES:
        name = module.__name__.removesuffix("_service")
        migrations = Path(str(module.__file__)).parents[2] / "migrations"
        urls = fresh_database(name, lambda url, folder=migrations: upgrade(folder, url))  # type: ignore[misc]
        engines[name] = open_engine(urls.app_url, pool_size=4)
        clock.rule(engines[name])
    carriers: dict[str, Capabilities] = {"scripted": ASKABLE}
    yield Databases(
        order=open_orders(engines["order"], Sealer(b"k" * 32)),
        inventory=open_inventory(engines["inventory"]),
        shipping=open_shipping(
            engines["shipping"], DomainSettings(carriers=carriers, personal_for=timedelta(days=90))
        ),
        notify=open_notify(engines["notify"], Telling()),
        clock=clock,
        carriers=carriers,
    )
    for engine in engines.values():
        await engine.dispose()


@dataclass
class World:
    """One merchant with an account per policy, two warehouses and three SKUs.

    BER is preferred and hands over by hand, POZ by itself; `vase` lacks customs data; `set` is a kit of a
    mug and two caps; nobody knows `ghost`.
    """

    databases: Databases
    merchant: str = "default"
    shop: Shop = field(default_factory=Shop)
    carrier: Carrier = field(default_factory=Carrier)
    mailbox: Mailbox = field(default_factory=Mailbox)
    in_flight: list[tuple[Member, Job]] = field(default_factory=list)
    counted_down: bool = False
    ids: Callable[[], UUID] = new_id
    _receipts: int = 0

    def __post_init__(self) -> None:
        order, inventory = self.databases.order, self.databases.inventory
        shipping, notify = self.databases.shipping, self.databases.notify
        marketplaces = {"shopify": self.shop.platform()}
        connected = Connected(self.databases.carriers["scripted"], self.carrier)
        self.order = Member(
            name="order",
            database=order,
            handlers=ORDER_HANDLERS,
            jobs={
                **MarketplaceJobs(order, marketplaces, Retention()).handlers(),
                **ObligationJobs(order, marketplaces).handlers(),
            },
            timers=ORDER_TIMERS,
        )
        self.inventory = Member(
            name="inventory",
            database=inventory,
            handlers=INVENTORY_HANDLERS,
            jobs={},
            timers=INVENTORY_TIMERS,
        )
        self.shipping = Member(
            name="shipping",
            database=shipping,
            handlers=SHIPPING_HANDLERS,
            jobs=CarrierJobs(shipping, {"scripted": connected}, Outages(900.0), PaperPrinter({})).handlers,
        )
        self.notify = Member(
            name="notify",
            database=notify,
            handlers=NOTIFY_HANDLERS,
            jobs=ChannelJobs(notify, {"email": self.mailbox}, TemplateRenderer()).handlers(),
        )
        self.members = {one.name: one for one in (self.order, self.inventory, self.shipping, self.notify)}
        self.bus = Bus(self.members)
        self.clock = self.databases.clock
        self.look: Look = DatabaseLook(self.members, self.merchant)

    async def begin(self) -> None:
        """Accounts, warehouses, SKUs and a shipping rule; told and heard."""
        self.databases.carriers["scripted"] = self.capabilities
        for member in self.members.values():
            await member.forget_work()
        await self.bus.begin()
        async with self.order.database.transaction() as tx:
            for policy in Policy:
                await tx.accounts.put(self._account(policy))
                parts = Mapped((Component("mug", 1), Component("cap", 2)))
                await tx.skus.map(self.merchant, f"{self.merchant}-{policy.value}", "set", parts)
        async with self.shipping.database.transaction() as tx:
            await tx.rules.put(
                Rule(self.ids(), self.merchant, 100, "everything", Conditions(), "scripted", "Economy")
            )
        await self.put_warehouse("BER", "manual", priority=1)
        await self.put_warehouse("POZ", "automatic", priority=2)
        await self.put_skus(
            Sku(
                sku="mug",
                title="Mug",
                weight_g=320,
                hs_code="691110",
                origin_country="CN",
                customs_description="Mug",
            ),
            Sku(
                sku="cap",
                title="Cap",
                weight_g=80,
                hs_code="650500",
                origin_country="PT",
                customs_description="Cap",
            ),
            Sku(sku="vase", title="Vase", weight_g=900),
        )
        await self.settle()

    @property
    def capabilities(self) -> Capabilities:
        return self.databases.carriers["scripted"]

    def _account(self, policy: Policy) -> Account:
        name = f"{self.merchant}-{policy.value}"
        return Account(
            merchant_id=self.merchant,
            account=name,
            platform="shopify",
            shop_ref=f"{name}.example",
            api_base_url=None,
            secrets=Secrets(webhook=("secret",), access_token="token"),
            policy=policy,
            label_source=LabelSource.CARRIER,
            ship_by_days=3,
            domestic_countries=frozenset({"DE"}),
            may_write=True,
            incoterm="DAP",
            unpaid_hours=48,
            active=True,
        )

    # -- the marketplace -----------------------------------------------------------------------------------

    async def place(
        self,
        *lines: tuple[str, int],
        policy: Policy = Policy.SPLIT,
        paid: bool = True,
        to: Address = BERLIN,
    ) -> ShopOrder:
        """A buyer orders, and the marketplace tells us."""
        number = str(1000 + len(self.shop.orders))
        order = ShopOrder(
            external_id=number,
            account=f"{self.merchant}-{policy.value}",
            lines=[ShopLine(f"{number}-{n}", sku, units) for n, (sku, units) in enumerate(lines)],
            ship_to=to,
            paid=paid,
            placed_at=self.clock.now,
            updated_at=FIRST_UPDATE,
        )
        self.shop.orders[number] = order
        await self.tell(order)
        return order

    async def pay(self, order: ShopOrder) -> None:
        order.paid = True
        await self.tell(order, changed=True)

    async def move(self, order: ShopOrder, to: Address) -> None:
        order.ship_to = to
        await self.tell(order, changed=True)

    async def reduce(self, order: ShopOrder, line: int, units: int) -> None:
        """The buyer cancels units of one line."""
        order.lines[line].cancelled += units
        await self.tell(order, changed=True)

    async def buyer_cancels(self, order: ShopOrder) -> None:
        order.cancelled = True
        await self.tell(order, changed=True)

    async def tell(self, order: ShopOrder, *, changed: bool = False) -> None:
        """The marketplace's webhook, with the order as it is there now."""
        if changed:
            order.change()
        canonical = order.canonical()
        async with self.order.database.transaction() as tx:
            account = await tx.accounts.get(self.merchant, order.account)
            message = Message(
                message_id=self.ids(),
                merchant_id=self.merchant,
                platform="shopify",
                account=order.account,
                dedupe_key=str(self.ids()),
                topic="orders/updated",
                headers={},
                body=b"{}",
            )
            await receive_messages([Received(message, canonical, account)], retention=Retention(), tx=tx)
        await self.bus.collect("order")

    # -- people --------------------------------------------------------------------------------------------

    async def cancel(self, order: ShopOrder) -> None:
        async with self.order.database.transaction() as tx:
            await cancel_order(await self._command(order), tx=tx)
        await self.bus.collect("order")

    async def hold(self, order: ShopOrder) -> None:
        async with self.order.database.transaction() as tx:
            await hold_order(await self._command(order), tx=tx)
        await self.bus.collect("order")

    async def release(self, order: ShopOrder, reason: HoldReason) -> None:
        async with self.order.database.transaction() as tx:
            await release_order(await self._command(order), reason, tx=tx)
        await self.bus.collect("order")

    async def retry(self, order: ShopOrder) -> None:
        async with self.order.database.transaction() as tx:
            await retry_order(await self._command(order), tx=tx)
        await self.bus.collect("order")

    async def correct(self, order: ShopOrder, to: Address) -> None:
        async with self.order.database.transaction() as tx:
            await change_address(await self._command(order), to, tx=tx)
        await self.bus.collect("order")

    async def _command(self, order: ShopOrder) -> Command:
        return Command(self.merchant, (await self.seen(order)).identity.order_id, PERSON, "the buyer asked")

    async def receive(self, sku: str, units: int, warehouse: str = "BER") -> None:
        self._receipts += 1
        line = ReceiptLine(f"note-{self._receipts}", warehouse, sku, units)
        async with self.inventory.database.transaction() as tx:
            await receive_stock(self.merchant, [line], because=COUNTED, tx=tx)
        await self.bus.collect("inventory")

    async def count(self, sku: str, units: int, warehouse: str = "BER") -> None:
        adjustment = Adjustment(LevelKey(self.merchant, sku, warehouse), counted=units)
        async with self.inventory.database.transaction() as tx:
            adjusted = await adjust_stock(adjustment, because=COUNTED, dry_run=False, tx=tx)
        self.counted_down |= adjusted.change < 0
        await self.bus.collect("inventory")

    async def put_skus(self, *skus: Sku) -> None:
        async with self.inventory.database.transaction() as tx:
            await put_skus(self.merchant, skus, because=COUNTED, tx=tx)
        await self.bus.collect("inventory")

    async def put_warehouse(
        self, code: str, hands_over: str, *, priority: int = 1, serves: frozenset[str] | None = None
    ) -> None:
        warehouse = Warehouse(
            code=code,
            name=code,
            address_lines=("Dock 1",),
            city="Potsdam",
            postal_code="14467",
            country="DE",
            phone="+493311234567",
            time_zone="Europe/Berlin",
            cut_off="15:00",
            hand_over=hands_over,
            priority=priority,
            serves=serves,
        )
        async with self.inventory.database.transaction() as tx:
            await put_warehouse(self.merchant, warehouse, because=COUNTED, tx=tx)
        await self.bus.collect("inventory")

    async def hand_over(self, *shipment_ids: UUID) -> list[HandedOver]:
        """The warehouse says that these have left (all that are labelled when none is named)."""
        ids = shipment_ids or await self.shipments("labelled")
        if not ids:
            return []
        async with self.shipping.database.transaction() as tx:
            handed = await hand_over(HandOver(self.merchant, ids, PERSON), tx=tx)
        await self.bus.collect("shipping")
        return handed

    async def repair(self, shipment_id: UUID, repair: Repair = TRY_AGAIN) -> None:
        async with self.shipping.database.transaction() as tx:
            await repair_shipment(self.merchant, shipment_id, repair, actor=PERSON, reason=None, tx=tx)
        await self.bus.collect("shipping")

    async def decide(self, shipment_id: UUID) -> None:
        """A person looks into the carrier's portal and says what is there."""
        label = next((one.label for one in self.carrier.live() if one.shipment_id == shipment_id), None)
        decision = Decision(self.merchant, shipment_id, PERSON, "seen in the portal", bought=label)
        async with self.shipping.database.transaction() as tx:
            await decide_outcome(decision, tx=tx)
        await self.bus.collect("shipping")

    # -- going on ------------------------------------------------------------------------------------------

    async def deliver(self, consumer: str, *topics: str) -> None:
        """Everything of these topics (of all, if none is named) that waits for the consumer, as one batch."""
        await self.bus.deliver_waiting(consumer, *topics)

    async def claim(self, *names: str) -> None:
        """Take the jobs that are due into flight."""
        for name in names or tuple(self.members):
            member = self.members[name]
            self.in_flight += [(member, job) for job in await member.claim()]

    async def run(self, position: int = 0) -> str:
        """Make the attempt of one job in flight."""
        member, job = self.in_flight.pop(position)
        outcome = await member.run(job)
        await self.bus.collect(member.name)
        return outcome

    async def work(self, *names: str) -> None:
        """Run what is due now, and what follows from it at once."""
        while True:
            await self.claim(*names)
            if not self.in_flight:
                return
            while self.in_flight:
                await self.run()

    async def fire(self) -> None:
        """Fire the timers that may fire."""
        for member in (self.order, self.inventory):
            await member.fire(behind=self.bus.behind(member.name))
            await self.bus.collect(member.name)

    async def settle(self, *, without_work: bool = False) -> None:
        """Deliver all that may be delivered, run all that is due, fire what may fire, until nothing moves."""
        for _ in range(200):
            for consumer in self.members:
                await self.bus.deliver_waiting(consumer)
            if self.bus.quiet:
                if not without_work:
                    await self.work()
                await self.fire()
                if self.bus.quiet:
                    return
        raise AssertionError("the services never come to rest")

    async def wait(self, time: timedelta) -> None:
        self.clock.pass_by(time)
        await self.settle()

    async def wait_a_day(self) -> None:
        await self.wait(timedelta(days=1))

    # -- looking -------------------------------------------------------------------------------------------

    async def seen(self, order: ShopOrder) -> Order:
        """The order as order-service has it."""
        async with self.order.database.transaction() as tx:
            ref = OrderRef("shopify", f"{order.account}.example", order.external_id)
            found: Order = (await tx.orders.lock_external([ref]))[ref]
        return found

    async def progress(self, order: ShopOrder) -> set[str]:
        return await self.look.progress((await self.seen(order)).identity.order_id)

    async def exceptions(self, service: str) -> list[str]:
        """Codes of the open exceptions, in the order of their names."""
        return sorted(one.code for one in await self.look.exceptions(service) if one.is_open)

    async def level(self, sku: str, warehouse: str = "BER") -> tuple[int, int, int]:
        """On hand, reserved, short."""
        for one in await self.look.levels():
            if (one.sku, one.warehouse, one.condition) == (sku, warehouse, "sellable"):
                return one.on_hand, one.reserved, one.short
        return 0, 0, 0

    async def shipments(self, *states: str) -> tuple[UUID, ...]:
        """Those in these states, the oldest first."""
        return tuple(one.shipment_id for one in await self.look.shipments() if one.state in states)

    async def legs(self, order: ShopOrder) -> list[tuple[UUID, str, str]]:
        """Shipment, warehouse and state, the oldest first."""
        order_id = (await self.seen(order)).identity.order_id
        return [
            (one.shipment_id, one.warehouse, one.state)
            for one in await self.look.shipments()
            if one.order_id == order_id
        ]

    async def leg_states(self, order: ShopOrder) -> list[str]:
        return [state for _, _, state in await self.legs(order)]

    async def allocations(self, order: ShopOrder) -> list[tuple[str, int, str]]:
        """SKU, units and state, the oldest first."""
        order_id = (await self.seen(order)).identity.order_id
        return [
            (one.sku, one.units, one.state)
            for one in await self.look.allocations()
            if one.order_id == order_id
        ]

    def said(self, topic: str) -> Sequence[Any]:
        """Everything that was published on a topic."""
        return [one.event for one in self.bus.log if topic == one.event.TOPIC]
