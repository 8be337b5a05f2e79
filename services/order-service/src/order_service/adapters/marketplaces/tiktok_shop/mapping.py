"""TikTok Shop's order to the canonical one: pure functions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from order_service.adapters.marketplaces.tiktok_shop import codes, wire
from order_service.domain.canonical import (
    Address,
    CanonicalBuyer,
    CanonicalLine,
    CanonicalOrder,
    CanonicalTotals,
    FulfilmentStatus,
    PaymentStatus,
    TaxId,
    text_of,
)
from order_service.domain.errors import NotAnOrder
from order_service.domain.money import sum_to_minor, to_minor
from order_service.use_cases.marketplace import Content, Pointer

PLATFORM: Final = "tiktok_shop"


def read_message(topic: str, body: bytes) -> Content:
    """What a notice points at, or the order that was fetched. Raises NotAnOrder: fields, no values.

    None: a notice without an order, and an order that TikTok sends from its own warehouse.
    """
    try:
        if topic == codes.ORDER:
            order = wire.Order.model_validate_json(body)
            return None if order.fulfillment_type == codes.BY_TIKTOK else to_canonical(order)
        return _pointer(wire.Notice.model_validate_json(body))
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        raise NotAnOrder(*(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found[:5])) from None
    except ValueError as error:
        raise NotAnOrder(str(error)) from None


def _pointer(notice: wire.Notice) -> Pointer | None:
    """A notice of whatever type names an order or does not; only a change of status tells the order's own
    time of change.
    """
    said = wire.NoticeData.model_validate(notice.data)
    if said.order_id is None:
        return None
    changed = said.update_time if notice.type == codes.STATUS_CHANGE else None
    return Pointer(said.order_id, None if changed is None else at(changed))


def at(epoch_s: int) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)


def to_canonical(order: wire.Order) -> CanonicalOrder:
    """Raises ValueError when an amount is no number."""
    currency = order.payment.currency
    totals = _totals(order.payment)
    address, buyer = _ship_to(order.recipient_address), _buyer(order)
    tax_ids = (TaxId("cpf", cpf),) if (cpf := text_of(order.cpf)) else ()
    return CanonicalOrder(
        platform=PLATFORM,
        external_id=order.id,
        order_number=order.id,
        placed_at=at(order.create_time),
        updated_at=at(order.update_time),
        currency=currency,
        tax_included=False,
        totals=totals,
        lines=tuple(_line(units, currency) for units in grouped(order.line_items)),
        ship_to=address,
        buyer=buyer,
        payment_status=_payment(order),
        fulfilment_status=_fulfilment(order),
        cancelled=order.status in codes.CANCELLED,
        cancel_reason=text_of(order.cancel_reason) if order.status in codes.CANCELLED else None,
        shipping_method=text_of(order.delivery_option_name) or text_of(order.delivery_option_id),
        notes="\n".join(filter(None, map(text_of, (order.buyer_message, order.seller_note)))) or None,
        tax_ids=tax_ids,
        flags=tuple(_flags(order, totals, (address, buyer, tax_ids))),
        platform_hold=codes.ON_HOLD if is_held(order) else None,
    )


def grouped(units: Iterable[wire.LineItem]) -> list[list[wire.LineItem]]:
    """Units that are one line: of one SKU, at one list price, all gifts or none; by first appearance."""
    groups: dict[object, list[wire.LineItem]] = {}
    for unit in units:
        groups.setdefault(unit.kind, []).append(unit)
    return list(groups.values())


def is_cancelled(unit: wire.LineItem) -> bool:
    return unit.display_status in codes.CANCELLED


def is_unsent(unit: wire.LineItem) -> bool:
    return not (is_cancelled(unit) or unit.display_status in codes.SENT or text_of(unit.tracking_number))


def is_held(order: wire.Order) -> bool:
    """Within the time in which the buyer may think better of it; the address may change, too."""
    return order.status == codes.ON_HOLD or order.is_on_hold_order


def may_not_be_sent(order: wire.Order) -> str | None:
    """Why, as a code; None: it may."""
    if order.status in codes.CANCELLED:
        return "order_cancelled"
    if order.status == codes.UNPAID:
        return "order_unpaid"
    return "order_on_hold" if is_held(order) else None


def is_unknown(order: wire.Order) -> bool:
    """Whether it is in a state, or sent by somebody, that we have never heard of."""
    by_us = text_of(order.fulfillment_type) in {None, codes.BY_SELLER}
    return order.status not in codes.STATUSES or not by_us


def _payment(order: wire.Order) -> PaymentStatus:
    """Whether the order may be sent is in its status, not in the money: who pays on delivery has paid
    nothing, and a sample costs nothing. Whether one on hold was paid is known only if it says so.
    """
    if order.status in codes.CANCELLED:
        return PaymentStatus.PAID if order.paid_time else PaymentStatus.VOIDED
    if order.status == codes.UNPAID or is_unknown(order):
        return PaymentStatus.PENDING
    paid = not is_held(order) or order.paid_time or order.is_cod
    return PaymentStatus.PAID if paid else PaymentStatus.AUTHORIZED


def _fulfilment(order: wire.Order) -> FulfilmentStatus:
    """In `AWAITING_COLLECTION` the seller has told a number, or TikTok has made a label and sent nothing."""
    if order.status == codes.AWAITING_COLLECTION and order.shipping_type != codes.SHIPPED_BY_TIKTOK:
        return FulfilmentStatus.FULFILLED
    return codes.FULFILMENT.get(order.status, FulfilmentStatus.UNFULFILLED)


def _flags(order: wire.Order, totals: CanonicalTotals, personal: Sequence[object]) -> Iterable[str]:
    if is_unknown(order):
        yield "unknown_status"
    if is_held(order):
        yield "on_hold"
    if order.shipping_type == codes.SHIPPED_BY_TIKTOK:
        yield "label_by_marketplace"
    if order.is_cod:
        yield "cash_on_delivery"
    if order.is_sample_order:
        yield "sample_order"
    if order.is_replacement_order:
        yield "replacement_order"
    if order.is_buyer_request_cancel:
        yield "buyer_asks_to_cancel"
    if text_of(order.split_or_combine_tag):
        yield "split_or_combined"
    if not _adds_up(totals):
        yield "total_mismatch"
    if "*" in repr(personal):  # every text in them
        yield "pii_masked"


def _totals(payment: wire.Payment) -> CanonicalTotals:
    currency = payment.currency
    fees = (
        payment.small_order_fee,
        payment.retail_delivery_fee,
        payment.buyer_service_fee,
        payment.handling_fee,
    )
    tax = to_minor(payment.tax, currency)
    return CanonicalTotals(
        items_subtotal=to_minor(payment.original_total_product_price, currency),
        discount_total=sum_to_minor((payment.seller_discount, payment.platform_discount), currency),
        shipping_total=to_minor(payment.shipping_fee, currency),
        tax_total=tax,
        marketplace_collected_tax=tax,
        other_charges_total=sum_to_minor(fees, currency),
        grand_total=to_minor(payment.total_amount, currency),
        refunded_total=0,  # the order does not say; a refund is another call's
    )


def _adds_up(totals: CanonicalTotals) -> bool:
    goods = totals.items_subtotal - totals.discount_total
    charges = (totals.shipping_total or 0) + (totals.other_charges_total or 0)
    return totals.grand_total == goods + charges + totals.tax_total


def _line(units: Sequence[wire.LineItem], currency: str) -> CanonicalLine:
    first = units[0]
    discounts = [amount for one in units for amount in (one.seller_discount, one.platform_discount)]
    return CanonicalLine(
        external_line_id=first.id,
        external_line_ids=tuple(one.id for one in units),
        sku=text_of(first.seller_sku),
        title=text_of(first.product_name) or "",
        quantity=len(units),
        cancelled_quantity=sum(map(is_cancelled, units)),
        unit_price=to_minor(first.original_price, currency),
        discount=sum_to_minor(discounts, currency),
        tax=sum_to_minor((tax.tax_amount for one in units for tax in one.item_tax), currency),
    )


def _ship_to(given: wire.Address | None) -> Address | None:
    if given is None:
        return None
    levels = {one.address_level: name for one in given.district_info if (name := text_of(one.address_name))}
    return Address(
        name=text_of(given.name) or _joined(given.first_name, given.last_name),
        lines=_lines(given),
        city=text_of(given.post_town) or _deepest(levels),
        province=levels.get("L1"),
        postal_code=text_of(given.postal_code),
        country=text_of(given.region_code) or _country(given.district_info),
        phone=text_of(given.phone_number),
    )


def _lines(given: wire.Address) -> tuple[str, ...]:
    """The numbered lines; the whole in one where the market has none."""
    numbered = (given.address_line1, given.address_line2, given.address_line3, given.address_line4)
    lines = tuple(line for line in map(text_of, numbered) if line)
    whole = text_of(given.address_detail) or text_of(given.full_address)
    return lines or ((whole,) if whole else ())


def _deepest(levels: dict[str, str]) -> str | None:
    """The name of the lowest level below the province."""
    below = [level for level in levels if level not in {"L0", "L1"}]
    return levels[max(below)] if below else None


def _country(districts: Iterable[wire.District]) -> str | None:
    return next((text_of(one.iso_code) for one in districts if one.address_level == "L0"), None)


def _buyer(order: wire.Order) -> CanonicalBuyer:
    return CanonicalBuyer(name=text_of(order.buyer_nickname), email=text_of(order.buyer_email))


def _joined(*parts: str | None) -> str | None:
    return " ".join(part for part in map(text_of, parts) if part) or None


# -- parcels


def told_package(order: wire.Order, tracking_number: str) -> str | None:
    """The package that carries this number, if there is one."""
    carrying = [one for one in order.line_items if one.tracking_number == tracking_number]
    return (carrying[0].package_id or carrying[0].id) if carrying else None


def units_to_send(order: wire.Order, wanted: Mapping[str, int]) -> list[str] | None:
    """Ids of that many units of each line that nobody has sent; None when there are not enough."""
    taken: list[str] = []
    for line, count in wanted.items():
        unsent = [one.id for one in _units_of(order, line) if is_unsent(one)]
        if len(unsent) < count:
            return None
        taken += unsent[:count]
    return taken


def packages_of(order: wire.Order, wanted: Mapping[str, int]) -> list[list[wire.LineItem]]:
    """The packages, as their units, that hold exactly so many units of each line."""
    packages: defaultdict[str, list[wire.LineItem]] = defaultdict(list)
    for unit in order.line_items:
        if unit.package_id and not is_cancelled(unit):
            packages[unit.package_id].append(unit)
    kinds = {unit.id: unit.kind for unit in order.line_items}
    of_kinds = Counter({kinds[line]: count for line, count in wanted.items() if line in kinds})
    if len(of_kinds) < len(wanted):
        return []
    return [units for units in packages.values() if Counter(one.kind for one in units) == of_kinds]


def _units_of(order: wire.Order, line: str) -> list[wire.LineItem]:
    for units in grouped(order.line_items):
        if any(one.id == line for one in units):
            return units
    return []
