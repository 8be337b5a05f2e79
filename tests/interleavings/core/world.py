"""The world of the interleavings over services that keep everything in memory."""

from datetime import timedelta
from typing import Any

from crossdock_contracts.envelope import Cause
from inventory_service.messaging import HANDLERS as INVENTORY_HANDLERS
from inventory_service.messaging.timers import TIMERS as INVENTORY_TIMERS
from notify_service.messaging import HANDLERS as NOTIFY_HANDLERS
from notify_service.messaging.jobs import ChannelJobs
from order_service.messaging.jobs import MarketplaceJobs
from order_service.messaging.obligation_jobs import ObligationJobs
from order_service.messaging.timers import TIMERS as ORDER_TIMERS
from order_service.use_cases.import_order import Retention
from shipping_service.adapters.papers.printer import PaperPrinter
from shipping_service.messaging import HANDLERS as SHIPPING_HANDLERS
from shipping_service.messaging.carrier_jobs import CarrierJobs, Connected
from shipping_service.messaging.outages import Outages
from shipping_service.use_cases.ports import Capabilities, DomainSettings

from ..bus import Bus
from ..members import Clock
from ..outside import Carrier
from ..world import ORDER_HANDLERS, Databases, World
from .letters import LetterRows, LetterTransaction, PlainRenderer
from .looking import CoreLook
from .members import CoreMember
from .memory import Memory, counting_ids
from .orders import OrderRows, OrderTransaction
from .shipments import ShipmentRows, ShipmentTransaction
from .stock import StockRows, StockTransaction


class CoreWorld(World):
    """Made in a millisecond, and the same in every run."""

    core: CoreLook

    def __post_init__(self) -> None:
        clock, ids = self.databases.clock, self.ids
        marketplaces = {"shopify": self.shop.platform()}
        connected = Connected(self.databases.carriers["scripted"], self.carrier)
        order, inventory = self.databases.order, self.databases.inventory
        shipping, notify = self.databases.shipping, self.databases.notify
        members = [
            CoreMember(
                name="order",
                database=order,
                handlers=ORDER_HANDLERS,
                jobs={
                    **MarketplaceJobs(order, marketplaces, Retention()).handlers(),
                    **ObligationJobs(order, marketplaces).handlers(),
                },
                timers=ORDER_TIMERS,
                clock=clock,
                ids=ids,
            ),
            CoreMember(
                name="inventory",
                database=inventory,
                handlers=INVENTORY_HANDLERS,
                jobs={},
                timers=INVENTORY_TIMERS,
                clock=clock,
                ids=ids,
            ),
            CoreMember(
                name="shipping",
                database=shipping,
                handlers=SHIPPING_HANDLERS,
                jobs=CarrierJobs(
                    shipping, {"scripted": connected}, Outages(900.0), PaperPrinter({})
                ).handlers,
                clock=clock,
                ids=ids,
            ),
            CoreMember(
                name="notify",
                database=notify,
                handlers=NOTIFY_HANDLERS,
                jobs=ChannelJobs(notify, {"email": self.mailbox}, PlainRenderer()).handlers(),
                clock=clock,
                ids=ids,
            ),
        ]
        self.members = {one.name: one for one in members}
        self.order, self.inventory, self.shipping, self.notify = members
        self.bus = Bus(self.members)
        self.clock = clock
        self.look = self.core = CoreLook({one.name: one for one in members})

    def forget_what_was_heard(self, consumer: str) -> None:
        """Its inbox is empty: what comes again is handled again."""
        self.core.members[consumer].memory.rows.inbox.clear()


def open_core(capabilities: Capabilities, carrier: Carrier) -> CoreWorld:
    """Four empty services and their outside."""
    clock, ids = Clock(), counting_ids()
    carriers = {"scripted": capabilities}
    settings = DomainSettings(carriers=carriers, personal_for=timedelta(days=90))

    def open_shipments(rows: ShipmentRows, now: Any, cause: Cause, ids: Any) -> ShipmentTransaction:
        return ShipmentTransaction(rows, now, cause, ids, settings)

    order: Any = Memory(OrderRows(), OrderTransaction, clock=clock, ids=ids)
    inventory: Any = Memory(StockRows(), StockTransaction, clock=clock, ids=ids)
    shipping: Any = Memory(ShipmentRows(), open_shipments, clock=clock, ids=ids)
    notify: Any = Memory(LetterRows(), LetterTransaction, clock=clock, ids=ids)
    databases = Databases(order, inventory, shipping, notify, clock, carriers)
    return CoreWorld(databases, carrier=carrier, ids=ids)
