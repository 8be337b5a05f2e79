"""A small open order for tests of the domain, and what others say of it."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

from order_service.domain.canonical import Address, CanonicalBuyer, CanonicalTotals, PaymentStatus
from order_service.domain.leg import LegEvent, Packed
from order_service.domain.lines import Line
from order_service.domain.news import (
    AllocationFact,
    AllocationSet,
    ParcelFacts,
    parcel_news,
    shipment_answered,
    stock_reserved,
)
from order_service.domain.order import Content, Identity, LabelSource, Order, People, Policy, Terms
from order_service.domain.process import Process, Unfilled

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROOT = UUID("00000000-0000-7000-8000-000000000000")


def an_id(name: str) -> UUID:
    """The same id for the same name, so that failures can be read."""
    return uuid5(ROOT, name)


def an_order(*units: int, told: bool = True) -> Order:
    """An order with one line per number (default: one line of two units); `told`: version 1 was published."""
    lines = tuple(
        Line(
            line_id=an_id(f"line{index}"),
            external_line_ids=(f"x{index}",),
            external_sku=f"SKU{index}",
            sku=f"SKU{index}",
            title="thing",
            units_ordered=count,
            units_cancelled=0,
            total_minor=1000,
            unit_value="5.00",
        )
        for index, count in enumerate(units or (2,))
    )
    order = Order(
        identity=Identity(an_id("order"), "default", "lumo", "shopify", "shop", "1", "#1", NOON),
        content=Content(
            currency="USD",
            tax_included=False,
            totals=CanonicalTotals(0, 0, 0, 0, 0, 0, 0, 0),
            presentment_total=None,
            sold=(),
            payment=PaymentStatus.PAID,
            test=False,
            shipping_method=None,
        ),
        people=People(Address(name="A", lines=("B",), city="C", country="US"), CanonicalBuyer()),
        terms=Terms(Policy.SPLIT, LabelSource.CARRIER, None, True),
        lines=lines,
        process=Process(),
        platform_updated_at=NOON,
        fingerprint="f",
        ship_to_fingerprint="s",
    )
    if told:
        order.conclude()
    return order


def reserved(
    order: Order,
    *legs: tuple[str, int, int],
    version: int = 1,
    answers: int | None = None,
    withdrawn: tuple[str, ...] = (),
    unfilled: tuple[Unfilled, ...] = (),
) -> None:
    """Inventory's set; a leg is (name, line's index, units)."""
    stock_reserved(
        order,
        AllocationSet(
            version=version,
            answers=answers or order.version,
            complete=not unfilled,
            allocations=[
                AllocationFact(an_id(name), order.lines[line].line_id, "SKU", units, "W1")
                for name, line, units in legs
            ],
            withdrawn=[an_id(name) for name in withdrawn],
            unfilled=unfilled,
        ),
    )


def parcel(
    order: Order,
    event: LegEvent,
    name: str,
    *legs: tuple[str, int, int],
    version: int = 1,
    revision: int = 1,
) -> None:
    """Shipping's word about parcel `name` with these legs in it."""
    contents = tuple(
        Packed(an_id(leg), order.lines[line].line_id, order.lines[line].external_line_ids, "SKU", units)
        for leg, line, units in legs
    )
    facts = ParcelFacts(
        version, an_id(name), an_id("shipment"), "W1", "ups", "s", name, None, revision, contents
    )
    parcel_news(order, event, facts)


def answered(
    order: Order,
    *legs: str,
    refused: bool = False,
    pending: tuple[str, ...] = (),
    version: int = 1,
    answers: int | None = None,
    request: str = "cancel",
) -> list[UUID]:
    """Shipping's answer to a wish."""
    return shipment_answered(
        order,
        request=request,
        refused=refused,
        allocation_ids=[an_id(name) for name in legs],
        pending=[an_id(name) for name in pending],
        version=version,
        answers=answers or order.version,
    )
