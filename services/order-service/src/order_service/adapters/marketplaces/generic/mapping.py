"""A shop's order to the canonical one: a pure function."""

from datetime import UTC

from pydantic import ValidationError

from order_service.adapters.marketplaces.generic import wire
from order_service.adapters.marketplaces.generic.webhook import TOPIC
from order_service.domain.canonical import (
    Address,
    CanonicalBuyer,
    CanonicalLine,
    CanonicalOrder,
    CanonicalTotals,
    TaxId,
    text_of,
)
from order_service.domain.errors import NotAnOrder
from order_service.domain.money import exponent, to_minor

PLATFORM = "generic"
#: Mistakes that are told of one body.
MOST_TOLD = 10


def read_order(topic: str, body: bytes) -> CanonicalOrder | None:
    """The order of a body. Raises NotAnOrder: fields and what is wrong with them, no values."""
    if topic != TOPIC:
        return None
    try:
        return to_canonical(wire.Order.model_validate_json(body))
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        raise NotAnOrder(*(_said(one["loc"], one["type"]) for one in found[:MOST_TOLD])) from None
    except OverflowError:
        raise NotAnOrder("a time is outside of the calendar") from None


def _said(path: tuple[int | str, ...], kind: str) -> str:
    """Where it is and what. The name of a field that nobody knows may be anything, so it is not repeated."""
    known = path[:-1] if kind == "extra_forbidden" else path
    where = ".".join(map(str, known)) or "the order"
    return f"{where}: a field that there is not" if kind == "extra_forbidden" else f"{where}: {kind}"


def to_canonical(order: wire.Order) -> CanonicalOrder:
    """Raises NotAnOrder for amounts that their currency cannot hold, OverflowError for a time without UTC."""
    totals, lines = _totals(order), tuple(_line(n, one, order) for n, one in enumerate(order.lines))
    ids = [one.id for one in order.lines]
    if len(set(ids)) < len(ids):
        raise NotAnOrder("lines: an id stands twice")
    flags = []
    if not _adds_up(totals, order.tax_included):
        flags.append("total_mismatch")
    return CanonicalOrder(
        platform=PLATFORM,
        external_id=order.id,
        order_number=text_of(order.number) or order.id,
        placed_at=order.placed_at.astimezone(UTC),
        updated_at=order.updated_at.astimezone(UTC),
        currency=order.currency,
        tax_included=order.tax_included,
        totals=totals,
        lines=lines,
        ship_to=_address(order.ship_to) if order.ship_to else None,
        buyer=CanonicalBuyer(
            text_of(order.buyer.name), text_of(order.buyer.email), text_of(order.buyer.locale)
        ),
        payment_status=order.payment,
        fulfilment_status=order.fulfilment,
        cancelled=order.status == "cancelled",
        cancel_reason=text_of(order.cancel_reason),
        shipping_method=text_of(order.shipping_method),
        notes=text_of(order.notes),
        tax_ids=tuple(TaxId(one.kind, text) for one in order.tax_ids if (text := text_of(one.value))),
        flags=tuple(flags),
        platform_hold=order.status if order.status == "on_hold" else None,
        test=order.test,
    )


def _totals(order: wire.Order) -> CanonicalTotals:
    given, currency = order.totals, order.currency
    prices = (
        _minor(one.unit_price, currency, f"lines.{n}.unit_price") * one.quantity
        for n, one in enumerate(order.lines)
    )
    return CanonicalTotals(
        items_subtotal=sum(prices),
        discount_total=_minor(given.discount, currency, "totals.discount"),
        shipping_total=_minor(given.shipping, currency, "totals.shipping"),
        tax_total=_minor(given.tax, currency, "totals.tax"),
        marketplace_collected_tax=0,
        other_charges_total=_minor(given.other_charges, currency, "totals.other_charges"),
        grand_total=_minor(given.grand_total, currency, "totals.grand_total"),
        refunded_total=_minor(given.refunded, currency, "totals.refunded"),
    )


def _adds_up(totals: CanonicalTotals, tax_included: bool) -> bool:
    goods = totals.items_subtotal - totals.discount_total
    charges = (totals.shipping_total or 0) + (totals.other_charges_total or 0)
    return totals.grand_total == goods + charges + (0 if tax_included else totals.tax_total)


def _line(n: int, line: wire.Line, order: wire.Order) -> CanonicalLine:
    if line.cancelled_quantity > line.quantity:
        raise NotAnOrder(f"lines.{n}.cancelled_quantity: more than were ordered")
    currency = order.currency
    return CanonicalLine(
        external_line_id=line.id,
        external_line_ids=(line.id,),
        sku=text_of(line.sku),
        title=text_of(line.title) or "",
        quantity=line.quantity,
        cancelled_quantity=line.cancelled_quantity,
        unit_price=_minor(line.unit_price, currency, f"lines.{n}.unit_price"),
        discount=_minor(line.discount, currency, f"lines.{n}.discount"),
        tax=_minor(line.tax, currency, f"lines.{n}.tax"),
        ships=line.ships,
    )


def _minor(amount: str, currency: str, field: str) -> int:
    """Never rounded: who sends a third decimal of a dollar means something else than we would make of it."""
    if len(amount.partition(".")[2].rstrip("0")) > exponent(currency):
        raise NotAnOrder(f"{field}: more decimals than its currency has")
    try:
        return to_minor(amount, currency)
    except ValueError as error:
        raise NotAnOrder(f"{field}: {error}") from None


def _address(given: wire.Address) -> Address:
    return Address(
        name=text_of(given.name),
        company=text_of(given.company),
        lines=tuple(text for one in given.lines if (text := text_of(one))),
        district=text_of(given.district),
        city=text_of(given.city),
        province=text_of(given.province),
        postal_code=text_of(given.postal_code),
        country=given.country,
        phone=text_of(given.phone),
    )
