"""Amazon's order to the canonical one: pure functions."""

from collections.abc import Iterable
from typing import Final

from pydantic import ValidationError

from order_service.adapters.marketplaces.amazon import codes, money, wire
from order_service.adapters.marketplaces.amazon.notices import fields_in, read_notice
from order_service.domain.canonical import (
    Address,
    CanonicalBuyer,
    CanonicalLine,
    CanonicalOrder,
    FulfilmentStatus,
    PaymentStatus,
    TaxId,
    text_of,
)
from order_service.domain.errors import NotAnOrder
from order_service.use_cases.marketplace import Content

PLATFORM: Final = "amazon"


def read(topic: str, body: bytes) -> Content:
    """The order of getOrder's answer, or the one that a notice names. None: nothing of an order of ours.

    Raises NotAnOrder: fields, no values.
    """
    if topic == codes.ORDER_CHANGE:
        return read_notice(body)
    if topic != codes.ORDER:
        return None
    try:
        order = wire.OneOrder.model_validate_json(body).order
        return to_canonical(order) if _is_ours(order) else None
    except ValidationError as error:
        raise NotAnOrder(*fields_in(error)) from None
    except ValueError as error:
        raise NotAnOrder(str(error)) from None
    except OverflowError:
        raise NotAnOrder("a time is outside of the calendar") from None


def _is_ours(order: wire.Order) -> bool:
    """Not what Amazon's warehouses send, nor what has neither price nor address yet."""
    fulfillment = order.fulfillment
    return fulfillment.fulfilled_by != codes.AMAZON and fulfillment.fulfillment_status not in codes.PENDING


def to_canonical(order: wire.Order) -> CanonicalOrder:
    """Raises ValueError when an amount is no number, or nothing is said of money."""
    cancelled = order.fulfillment.fulfillment_status == codes.CANCELLED
    currency = money.currency_of(order)
    if currency is None and cancelled:  # the amounts go with the order
        currency = codes.CURRENCIES.get(order.sales_channel.marketplace_id or "")
    if currency is None:
        raise ValueError("proceeds.grandTotal: missing, and no item has an amount")
    totals = money.totals_of(order, currency)
    return CanonicalOrder(
        platform=PLATFORM,
        external_id=order.order_id,
        order_number=order.order_id,
        placed_at=order.created_time,
        updated_at=order.last_updated_time,
        currency=currency,
        tax_included=money.tax_included(totals),
        totals=totals,
        lines=tuple(_line(one, currency) for one in order.order_items),
        ship_to=_ship_to(order.recipient.delivery_address),
        buyer=CanonicalBuyer(name=text_of(order.buyer.buyer_name), email=text_of(order.buyer.buyer_email)),
        payment_status=_payment(order),
        fulfilment_status=codes.FULFILMENT.get(
            order.fulfillment.fulfillment_status, FulfilmentStatus.UNFULFILLED
        ),
        cancelled=cancelled,
        cancel_reason=_cancelled_by(order) if cancelled else None,
        shipping_method=text_of(order.fulfillment.fulfillment_service_level),
        notes=text_of(order.recipient.delivery_preference.address_instruction),
        tax_ids=tuple(_tax_ids(order)),
        flags=tuple(_flags(order, currency, consistent=cancelled or money.adds_up(totals))),
        platform_hold=_platform_hold(order),
    )


def _payment(order: wire.Order) -> PaymentStatus:
    """Amazon tells no state of a payment: what is no longer pending is paid. Nothing follows of a status or a
    sender that we do not know.
    """
    status = order.fulfillment.fulfillment_status
    if status == codes.CANCELLED:
        return PaymentStatus.VOIDED
    known = status in {*codes.FULFILMENT, codes.UNFULFILLABLE}
    by_us = order.fulfillment.fulfilled_by == codes.MERCHANT
    return PaymentStatus.PAID if known and by_us else PaymentStatus.PENDING


def _platform_hold(order: wire.Order) -> str | None:
    status = order.fulfillment.fulfillment_status
    return status if status == codes.UNFULFILLABLE else None


def _line(item: wire.OrderItem, currency: str) -> CanonicalLine:
    parts = money.parts_of(item.proceeds.breakdowns, currency)
    unit_price = money.unit_price(item, currency)
    return CanonicalLine(
        external_line_id=item.order_item_id,
        external_line_ids=(item.order_item_id,),
        sku=text_of(item.product.seller_sku),
        title=text_of(item.product.title) or "",
        quantity=item.quantity_ordered,
        cancelled_quantity=_cancelled_units(item),
        unit_price=unit_price,
        discount=min(parts.discount, max(unit_price, 0) * item.quantity_ordered),
        tax=parts.tax,
    )


def _cancelled_units(item: wire.OrderItem) -> int:
    """What was cancelled is neither sent nor still to be sent."""
    if item.cancellation.cancellation_execution is None:
        return 0
    done = item.fulfillment or wire.ItemFulfillment()
    return max(item.quantity_ordered - done.quantity_fulfilled - done.quantity_unfulfilled, 0)


def _cancelled_by(order: wire.Order) -> str | None:
    """Who cancelled: BUYER, MERCHANT, ... The reason itself may be anybody's words."""
    executed = (one.cancellation.cancellation_execution for one in order.order_items)
    return next((text_of(one.cancelled_by) for one in executed if one is not None), None)


def _ship_to(given: wire.DeliveryAddress | None) -> Address | None:
    """None: withheld from us, or from applications without the role."""
    if given is None:
        return None
    extended = given.extended_fields
    lines = _texts(given.address_line1, given.address_line2, given.address_line3)
    street = " ".join(_texts(extended.street_name, extended.street_number))
    return Address(
        name=text_of(given.name),
        company=text_of(given.company_name),
        lines=lines or _texts(street, extended.complement),
        district=text_of(given.district_or_county) or text_of(extended.neighborhood),
        city=text_of(given.city) or text_of(given.municipality),
        province=text_of(given.state_or_region),
        postal_code=text_of(given.postal_code),
        country=text_of(given.country_code),
        phone=text_of(given.phone),
    )


def _tax_ids(order: wire.Order) -> Iterable[TaxId]:
    """The buyer's numbers, and the IOSS number under which the parcel's VAT was paid, for customs."""
    for one in order.tax.tax_registrations:
        kind, number = text_of(one.tax_registration_type), text_of(one.tax_registration_number)
        if one.entity_type == "BUYER" and kind and number:
            yield TaxId(kind.lower(), number)
    for number in sorted({found for item in order.order_items if (found := _ioss_number(item))}):
        yield TaxId("ioss", number)


def _ioss_number(item: wire.OrderItem) -> str | None:
    shipping = item.fulfillment.shipping if item.fulfillment else None
    abroad = shipping.international_shipping if shipping else None
    return text_of(abroad.ioss_number) if abroad else None


def _flags(order: wire.Order, currency: str, *, consistent: bool) -> Iterable[str]:
    items, fulfillment = order.order_items, order.fulfillment
    if fulfillment.fulfillment_status not in {*codes.FULFILMENT, codes.CANCELLED, codes.UNFULFILLABLE}:
        yield "unknown_status"
    if fulfillment.fulfilled_by != codes.MERCHANT:
        yield "unknown_fulfiller"
    if not consistent:
        yield "total_mismatch"
    if not all(money.item_adds_up(one, currency) for one in items):
        yield "item_mismatch"
    if order.recipient.delivery_address is None:
        yield "address_withheld"
    if any(_asks_cancel(one.cancellation) for one in items):
        yield "buyer_asks_cancel"
    if any(one.association_type in codes.REPLACEMENTS for one in order.associated_orders):
        yield "replacement"
    if any(one.product.customization for one in items):
        yield "customised"
    if any(
        one.fulfillment and one.fulfillment.packing and one.fulfillment.packing.gift_option for one in items
    ):
        yield "gift"


def _asks_cancel(said: wire.Cancellation) -> bool:
    return said.cancellation_request is not None and said.cancellation_execution is None


def _texts(*given: str | None) -> tuple[str, ...]:
    return tuple(text for one in given if (text := text_of(one)))
