"""Shopify's order to the canonical one, and our parcels to their fulfilments: pure functions."""

from collections.abc import Mapping
from datetime import UTC

from pydantic import ValidationError

from order_service.adapters.marketplaces.shopify import codes, wire
from order_service.domain.canonical import (
    Address,
    CanonicalBuyer,
    CanonicalLine,
    CanonicalOrder,
    CanonicalTotals,
    FulfilmentStatus,
    PaymentStatus,
    text_of,
)
from order_service.domain.errors import NotAnOrder
from order_service.domain.money import sum_to_minor, to_minor
from order_service.use_cases.marketplace import Tracking

PLATFORM = "shopify"


def read_order(topic: str, body: bytes) -> CanonicalOrder | None:
    """The order of a webhook body; None for topics that carry none. Raises NotAnOrder: fields, no values."""
    if topic not in codes.ORDER_TOPICS:
        return None
    try:
        return to_canonical(wire.Order.model_validate_json(body))
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        raise NotAnOrder(*(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found[:5])) from None
    except ValueError as error:
        raise NotAnOrder(str(error)) from None
    except OverflowError:
        raise NotAnOrder("a time is outside of the calendar") from None


def to_canonical(order: wire.Order) -> CanonicalOrder:
    """Raises ValueError when an amount is no number, OverflowError when a time has no place in UTC."""
    currency = order.currency
    flags = []
    payment = codes.PAYMENT.get(order.financial_status or "pending")
    if payment is None:
        flags.append("unknown_payment_status")
    fulfilment = codes.FULFILMENT.get(order.fulfillment_status)
    if fulfilment is None:
        flags.append("unknown_fulfilment_status")
    totals = _totals(order)
    if not _adds_up(totals, order.taxes_included):
        flags.append("total_mismatch")
    shipping = [one for one in order.shipping_lines if not one.is_removed]
    return CanonicalOrder(
        platform=PLATFORM,
        external_id=str(order.id),
        order_number=text_of(order.name) or str(order.id),
        placed_at=order.created_at.astimezone(UTC),
        updated_at=order.updated_at.astimezone(UTC),
        currency=currency,
        tax_included=order.taxes_included,
        totals=totals,
        lines=tuple(_line(one, currency) for one in order.line_items),
        ship_to=_address(order.shipping_address) if order.shipping_address else None,
        buyer=_buyer(order),
        payment_status=payment or PaymentStatus.PENDING,
        fulfilment_status=fulfilment or FulfilmentStatus.PARTIAL,
        cancelled=order.cancelled_at is not None,
        cancel_reason=text_of(order.cancel_reason),
        shipping_method=(text_of(shipping[0].title) or text_of(shipping[0].code)) if shipping else None,
        notes=text_of(order.note),
        flags=tuple(flags),
        test=order.test,
        presentment_total=_presentment(order),
    )


def _totals(order: wire.Order) -> CanonicalTotals:
    currency = order.currency
    extras = (order.original_total_duties_set, order.original_total_additional_fees_set)
    others = [order.total_tip_received or "0", *(one.shop_money.amount for one in extras if one is not None)]
    taxes = [tax for line in order.line_items for tax in line.tax_lines]
    refunds = [
        paid.amount
        for refund in order.refunds
        for paid in refund.transactions
        if paid.kind == "refund" and paid.status == "success"
    ]
    return CanonicalTotals(
        items_subtotal=to_minor(order.total_line_items_price, currency),
        discount_total=to_minor(order.total_discounts, currency),
        shipping_total=sum_to_minor(
            (one.discounted_price for one in order.shipping_lines if not one.is_removed), currency
        ),
        tax_total=to_minor(order.total_tax, currency),
        marketplace_collected_tax=sum_to_minor(
            (tax.price for tax in order.tax_lines if tax.channel_liable), currency
        )
        or sum_to_minor((tax.price for tax in taxes if tax.channel_liable), currency),
        other_charges_total=sum_to_minor(others, currency),
        grand_total=to_minor(order.total_price, currency),
        refunded_total=sum_to_minor(refunds, currency),
    )


def _adds_up(totals: CanonicalTotals, tax_included: bool | None) -> bool:
    """The fact sheets' identity; true when a part is unknown."""
    if totals.shipping_total is None or totals.other_charges_total is None or tax_included is None:
        return True
    parts = totals.items_subtotal - totals.discount_total + totals.shipping_total + totals.other_charges_total
    return totals.grand_total == parts + (0 if tax_included else totals.tax_total)


def _line(line: wire.LineItem, currency: str) -> CanonicalLine:
    left = line.quantity if line.current_quantity is None else line.current_quantity
    return CanonicalLine(
        external_line_id=str(line.id),
        external_line_ids=(str(line.id),),
        sku=text_of(line.sku),
        title=text_of(line.title) or "",
        quantity=line.quantity,
        cancelled_quantity=max(line.quantity - left, 0),
        unit_price=to_minor(line.price, currency),
        # `total_discount` of the line is 0 for cart and code discounts: the allocations are the truth.
        discount=sum_to_minor((one.amount for one in line.discount_allocations), currency),
        tax=sum_to_minor((one.price for one in line.tax_lines), currency),
        ships=line.requires_shipping is not False,
    )


def _address(given: wire.Address) -> Address:
    joined = " ".join(part for part in (text_of(given.first_name), text_of(given.last_name)) if part)
    return Address(
        name=text_of(given.name) or joined or None,
        company=text_of(given.company),
        lines=tuple(line for line in (text_of(given.address1), text_of(given.address2)) if line),
        city=text_of(given.city),
        province=text_of(given.province),
        postal_code=text_of(given.zip),
        country=text_of(given.country_code),
        phone=text_of(given.phone),
    )


def _buyer(order: wire.Order) -> CanonicalBuyer:
    names = (order.customer.first_name, order.customer.last_name) if order.customer else ()
    return CanonicalBuyer(
        name=" ".join(part for part in map(text_of, names) if part) or None,
        email=text_of(order.email) or text_of(order.contact_email),
        locale=text_of(order.customer_locale),
    )


def _presentment(order: wire.Order) -> tuple[int, str] | None:
    paid = order.total_price_set.presentment_money if order.total_price_set else None
    if paid is None or paid.currency_code == order.currency:
        return None
    return to_minor(paid.amount, paid.currency_code), paid.currency_code


# -- tracking


def order_gid(external_id: str) -> str:
    return f"gid://shopify/Order/{external_id}"


def company(carrier: str) -> str:
    return codes.COMPANIES.get(carrier, carrier.replace("_", " ").title())


def already_there(order: wire.OrderFulfillments, tracking_number: str) -> str | None:
    """The fulfilment that carries this tracking number, if there is one."""
    for one in order.fulfillments:
        if one.status not in codes.FAILED and any(
            info.number == tracking_number for info in one.trackingInfo
        ):
            return one.id
    return None


def to_fulfilment(order: wire.OrderFulfillments, tracking: Tracking) -> Mapping[str, object] | None:
    """`FulfillmentInput` for the parcel's units; None when the shop has not that many left to fulfil."""
    wanted = {f"gid://shopify/LineItem/{line}": units for line, units in tracking.units.items()}
    taken: list[dict[str, object]] = []
    for fulfilment_order in order.fulfillmentOrders.nodes:
        if fulfilment_order.status not in codes.SHIPPABLE:
            continue
        lines = []
        for line in fulfilment_order.lineItems.nodes:
            units = min(wanted.get(line.lineItem.id, 0), line.remainingQuantity)
            if units > 0:
                wanted[line.lineItem.id] -= units
                lines.append({"id": line.id, "quantity": units})
        if lines:
            taken.append({"fulfillmentOrderId": fulfilment_order.id, "fulfillmentOrderLineItems": lines})
    if not taken or any(wanted.values()):
        return None
    info: dict[str, object] = {"company": company(tracking.carrier), "number": tracking.tracking_number}
    if tracking.tracking_url:
        info["url"] = tracking.tracking_url
    return {"lineItemsByFulfillmentOrder": taken, "trackingInfo": info, "notifyCustomer": False}
