"""WooCommerce's order to the canonical one, and our parcels to their calls: pure functions."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Final

from pydantic import ValidationError

from order_service.adapters.marketplaces.woocommerce import codes, wire
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
from order_service.use_cases.marketplace import Tracking

PLATFORM = "woocommerce"
REFUNDED_LINE: Final = "_refunded_item_id"
#: A parcel that was told, in the order's metadata; a key each, so that two never overwrite each other.
PARCEL: Final = "_crossdock_parcel_"


@dataclass(frozen=True, slots=True)
class Habits:
    """What shops do differently, from the settings."""

    ready_statuses: Set[str] = frozenset({codes.PROCESSING})
    pickup_methods: Set[str] = frozenset()
    tax_id_keys: Mapping[str, str] = field(default_factory=dict)


def read_order(topic: str, body: bytes, habits: Habits) -> CanonicalOrder | None:
    """The order of a webhook body; None for topics and drafts that are none. Raises NotAnOrder: fields, no
    values.
    """
    if topic not in codes.ORDER_TOPICS:
        return None
    if topic == codes.DELETED:
        # The body is an id. Whether a parcel is on its way already is for a person to see.
        raise NotAnOrder("order.deleted: the shop deleted the order, see whether it has to be cancelled here")
    try:
        order = wire.Order.model_validate_json(body)
        return None if order.status in codes.DRAFTS else to_canonical(order, habits)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        raise NotAnOrder(*(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found[:5])) from None
    except ValueError as error:
        raise NotAnOrder(str(error)) from None
    except OverflowError:
        raise NotAnOrder("a time is outside of the calendar") from None


def to_canonical(order: wire.Order, habits: Habits) -> CanonicalOrder:
    """Raises ValueError when an amount is no number."""
    totals = _totals(order)
    refunded = refunded_units(order)
    ships = not _is_picked_up(order, habits)
    address, buyer = _ship_to(order), _buyer(order)
    tax_ids = _tax_ids(order, habits)
    payment, cancelled = _payment(order, totals, habits), order.status in codes.CANCELLED
    kept_back = _is_kept_back(order, habits)
    return CanonicalOrder(
        platform=PLATFORM,
        external_id=str(order.id),
        order_number=text_of(order.number) or str(order.id),
        placed_at=order.date_created_gmt,
        updated_at=order.date_modified_gmt or order.date_created_gmt,
        currency=order.currency,
        tax_included=False,  # in lines and shipping; `prices_include_tax` is about the catalogue
        totals=totals,
        lines=tuple(_line(one, order.currency, refunded[str(one.id)], ships) for one in order.line_items),
        ship_to=address,
        buyer=buyer,
        payment_status=payment,
        fulfilment_status=(
            FulfilmentStatus.FULFILLED if order.status == codes.COMPLETED else FulfilmentStatus.UNFULFILLED
        ),
        cancelled=cancelled,
        cancel_reason="trash" if order.status == "trash" else None,
        shipping_method=_shipping_method(order),
        notes=text_of(order.customer_note),
        tax_ids=tax_ids,
        flags=tuple(_flags(order, totals, habits, (address, buyer, tax_ids))),
        platform_hold=order.status if kept_back else None,
        # What keeps an order here needs no answer first, and must not wait for one.
        incomplete=payment.settled and not (cancelled or kept_back) and _lacks_refunded_units(order),
    )


def _is_kept_back(order: wire.Order, habits: Habits) -> bool:
    """Whether it was paid, is not over, and has no status in which this shop's orders are sent."""
    over_or_unpaid = codes.STATUSES - {codes.ON_HOLD, codes.PROCESSING}
    return order.date_paid_gmt is not None and order.status not in over_or_unpaid | habits.ready_statuses


def _payment(order: wire.Order, totals: CanonicalTotals, habits: Habits) -> PaymentStatus:
    """Whether the order may be shipped is in its status, not in the money: who pays on delivery has paid
    nothing when the shop says `processing`. A payment counts beside a status that keeps the order back.
    """
    if order.status == codes.FAILED:
        return PaymentStatus.VOIDED
    if order.status == codes.REFUNDED:
        return PaymentStatus.REFUNDED
    if order.status in codes.CANCELLED:
        if order.date_paid_gmt is None:
            return PaymentStatus.VOIDED
    elif order.status not in {codes.COMPLETED, *habits.ready_statuses} and not _is_kept_back(order, habits):
        return PaymentStatus.PENDING
    if totals.refunded_total <= 0:
        return PaymentStatus.PAID
    whole = totals.refunded_total >= totals.grand_total
    return PaymentStatus.REFUNDED if whole else PaymentStatus.PARTIALLY_REFUNDED


def _flags(
    order: wire.Order, totals: CanonicalTotals, habits: Habits, personal: tuple[object, ...]
) -> Iterable[str]:
    if order.status not in codes.STATUSES | habits.ready_statuses:
        yield "unknown_status"
    if not _adds_up(totals):
        yield "total_mismatch"
    if order.status in habits.ready_statuses and order.date_paid_gmt is None:
        yield "not_paid_yet"
    if _lacks_refunded_units(order):
        yield "refunded_units_unknown"
    if "*" in repr(personal):  # every text in them
        yield "pii_masked"


def _totals(order: wire.Order) -> CanonicalTotals:
    currency = order.currency
    return CanonicalTotals(
        items_subtotal=sum_to_minor((one.subtotal for one in order.line_items), currency),
        discount_total=to_minor(order.discount_total, currency),
        shipping_total=to_minor(order.shipping_total, currency),
        tax_total=to_minor(order.total_tax, currency),
        marketplace_collected_tax=0,
        other_charges_total=sum_to_minor((one.total for one in order.fee_lines), currency),
        grand_total=to_minor(order.total, currency),
        refunded_total=-sum_to_minor((one.total for one in order.refunds), currency),
    )


def _adds_up(totals: CanonicalTotals) -> bool:
    """The fact sheets' identity, of amounts without tax."""
    goods = totals.items_subtotal - totals.discount_total
    charges = (totals.shipping_total or 0) + (totals.other_charges_total or 0)
    return totals.grand_total == goods + charges + totals.tax_total


def _line(line: wire.LineItem, currency: str, refunded: int, ships: bool) -> CanonicalLine:
    subtotal, total = to_minor(line.subtotal, currency), to_minor(line.total, currency)
    unit_price = _divided(subtotal, line.quantity)
    return CanonicalLine(
        external_line_id=str(line.id),
        external_line_ids=(str(line.id),),
        sku=text_of(line.sku),
        title=text_of(line.name) or "",
        quantity=line.quantity,
        cancelled_quantity=min(refunded, line.quantity),
        unit_price=unit_price,
        # Never more than the rounded price of all units, or what was paid for the line would be negative.
        discount=min(subtotal - total, unit_price * line.quantity),
        tax=to_minor(line.total_tax, currency),
        ships=ships,
    )


def _divided(amount: int, units: int) -> int:
    """Half up."""
    return (2 * amount + units) // (2 * units) if units else amount


def refunded_units(order: wire.Order) -> Counter[str]:
    """Units that were refunded, by the order's line ids, as far as the body tells of lines."""
    units: Counter[str] = Counter()
    for refund in order.refunds:
        for line in refund.line_items or ():
            for meta in line.meta_data:
                if meta.key == REFUNDED_LINE:
                    units[str(meta.value)] += abs(line.quantity)
    return units


def _lacks_refunded_units(order: wire.Order) -> bool:
    return any(refund.line_items is None for refund in order.refunds)


def _is_picked_up(order: wire.Order, habits: Habits) -> bool:
    methods = {one.method_id for one in order.shipping_lines}
    return bool(methods) and methods <= habits.pickup_methods


def _shipping_method(order: wire.Order) -> str | None:
    for one in order.shipping_lines:
        return text_of(one.method_title) or text_of(one.method_id)
    return None


def _ship_to(order: wire.Order) -> Address:
    """The shipping block, or the billing one when that is empty.

    A shipping address without a phone gets the buyer's: most checkouts ask for one number only.
    """
    own = _address(order.shipping)
    chosen = own if own != Address() else _address(order.billing)
    return replace(chosen, phone=chosen.phone or text_of(order.billing.phone))


def _address(given: wire.Address) -> Address:
    return Address(
        name=_name(given),
        company=text_of(given.company),
        lines=tuple(line for line in (text_of(given.address_1), text_of(given.address_2)) if line),
        city=text_of(given.city),
        province=text_of(given.state),
        postal_code=text_of(given.postcode),
        country=text_of(given.country),
        phone=text_of(given.phone),
    )


def _buyer(order: wire.Order) -> CanonicalBuyer:
    return CanonicalBuyer(name=_name(order.billing), email=text_of(order.billing.email))


def _tax_ids(order: wire.Order, habits: Habits) -> tuple[TaxId, ...]:
    kinds = habits.tax_id_keys
    found = ((kinds[one.key], one.value) for one in order.meta_data if one.key in kinds)
    return tuple(
        TaxId(kind, text) for kind, value in found if isinstance(value, str) and (text := text_of(value))
    )


def _name(given: wire.Address) -> str | None:
    return " ".join(part for part in map(text_of, (given.first_name, given.last_name)) if part) or None


# -- tracking


def company(carrier: str) -> str:
    return codes.COMPANIES.get(carrier, carrier.replace("_", " ").title())


def told_parcels(order: wire.Order) -> Mapping[str, Mapping[str, object]]:
    """Tracking number to what we noted about the parcel."""
    return {
        one.key.removeprefix(PARCEL): one.value
        for one in order.meta_data
        if one.key.startswith(PARCEL) and isinstance(one.value, dict)
    }


def untold_units(order: wire.Order) -> Counter[str]:
    """Line id to ordered units that no parcel was told of."""
    untold = Counter({str(one.id): one.quantity for one in order.line_items})
    for parcel in told_parcels(order).values():
        units = parcel.get("units")
        if isinstance(units, dict):
            untold.subtract({line: count for line, count in units.items() if isinstance(count, int)})
    return untold


def everything_told(order: wire.Order) -> bool:
    """Whether nothing is left to send: what was refunded is not sent any more."""
    untold = untold_units(order)
    untold.subtract(refunded_units(order))
    return all(units <= 0 for units in untold.values())


def to_parcel(tracking: Tracking, reference: str) -> Mapping[str, object]:
    """The change of the order that notes one parcel."""
    value = {"reference": reference, "units": dict(tracking.units)}
    return {"meta_data": [{"key": PARCEL + tracking.tracking_number, "value": value}]}


def to_shipment_tracking(tracking: Tracking) -> Mapping[str, object]:
    """A custom provider: the plug-in's own list of names is the shop's, and its links would replace ours."""
    body = {
        "tracking_number": tracking.tracking_number,
        "custom_tracking_provider": company(tracking.carrier),
    }
    if tracking.tracking_url:
        body["custom_tracking_link"] = tracking.tracking_url
    return body


def to_note(tracking: Tracking) -> str:
    parts = (f"Shipped with {company(tracking.carrier)}:", tracking.tracking_number, tracking.tracking_url)
    return " ".join(part for part in parts if part)


def names(note: str, tracking_number: str) -> bool:
    """Whether the note names this number, and not one that it is a part of."""
    return re.search(rf"(?<!\w){re.escape(tracking_number)}(?!\w)", note) is not None
