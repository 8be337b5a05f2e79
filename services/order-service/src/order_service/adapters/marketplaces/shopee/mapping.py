"""Shopee's order to the canonical one: pure functions."""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import ValidationError

from order_service.adapters.marketplaces.shopee import codes, wire
from order_service.adapters.marketplaces.shopee.webhook import TOPIC
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
from order_service.domain.money import to_minor
from order_service.use_cases.marketplace import Content, Pointer

T = TypeVar("T", bound=wire.Wire)

PLATFORM = "shopee"
FETCHED = "order"


@dataclass(frozen=True, slots=True)
class Senders:
    """Values of `fulfillment_flag`, from the settings."""

    seller: Set[str] = codes.SELLER_FULFILLED
    shopee: Set[str] = codes.SHOPEE_FULFILLED


def read(topic: str, body: bytes, senders: Senders) -> Content:
    """A fetched order, or the order that a push names. None: nothing of an order that is ours to send. Raises
    NotAnOrder: fields, no values.
    """
    if topic == FETCHED:
        order = _parse(wire.Order, body)
        try:
            return None if order.fulfillment_flag in senders.shopee else to_canonical(order, senders)
        except ValueError as error:
            raise NotAnOrder(str(error)) from None
    return read_push(body) if topic.startswith(TOPIC) else None


def read_push(body: bytes) -> Pointer | None:
    push = _parse(wire.Push, body)
    if push.code in codes.FOR_A_PERSON:
        raise NotAnOrder(f"push {push.code}: {codes.FOR_A_PERSON[push.code]}")
    if push.code != codes.ORDER_STATUS:
        return None
    if not push.data.number:
        raise NotAnOrder("data.ordersn: missing")
    changed_at = push.data.update_time
    return Pointer(push.data.number, datetime.fromtimestamp(changed_at, UTC) if changed_at else None)


def _parse(model: type[T], body: bytes) -> T:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        raise NotAnOrder(*(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found[:5])) from None


def to_canonical(order: wire.Order, senders: Senders) -> CanonicalOrder:
    """Raises ValueError when an amount is none."""
    lines = tuple(_line(one, order.currency) for one in order.item_list)
    keeps = ", ".join(kept_back(order))
    address, buyer = _ship_to(order), CanonicalBuyer(name=text_of(order.buyer_username))
    tax_id = text_of(order.buyer_cpf_id)
    return CanonicalOrder(
        platform=PLATFORM,
        external_id=order.order_sn,
        order_number=order.order_sn,
        placed_at=order.create_time,
        updated_at=order.update_time,
        currency=order.currency,
        tax_included=None,
        totals=CanonicalTotals(
            items_subtotal=sum(one.unit_price * one.quantity for one in lines),
            discount_total=sum(one.discount for one in lines),
            shipping_total=None,  # told nowhere but in the escrow's details, after the sale
            tax_total=0,
            marketplace_collected_tax=0,
            other_charges_total=None,
            grand_total=to_minor(str(order.total_amount), order.currency),
            refunded_total=0,
        ),
        lines=lines,
        ship_to=address,
        buyer=buyer,
        payment_status=_payment(order, senders),
        fulfilment_status=_fulfilment(order.order_status),
        cancelled=order.order_status == codes.CANCELLED,
        cancel_reason=text_of(order.buyer_cancel_reason) or text_of(order.cancel_reason),
        shipping_method=text_of(order.checkout_shipping_carrier) or text_of(order.shipping_carrier),
        notes=text_of(order.message_to_seller),
        tax_ids=(TaxId("cpf", tax_id),) if tax_id else (),
        flags=tuple(_flags(order, senders, (address, buyer, tax_id))),
        platform_hold=keeps or None,
    )


def kept_back(order: wire.Order) -> Iterable[str]:
    """Why Shopee keeps an order back that has not left."""
    if order.order_status in codes.SENT | codes.ARRIVED | {codes.CANCELLED}:
        return
    if order.pending_terms or order.order_status == codes.PENDING:
        yield "pending_terms"
    if order.order_status == codes.IN_CANCEL:
        yield "cancel_requested"


def unknown(order: wire.Order, senders: Senders) -> Iterable[str]:
    """What we do not understand of an order, which keeps it from being sent."""
    if order.order_status not in codes.STATUSES:
        yield "unknown_status"
    if order.fulfillment_flag and order.fulfillment_flag not in senders.seller | senders.shopee:
        yield "unknown_fulfillment_flag"


def _payment(order: wire.Order, senders: Senders) -> PaymentStatus:
    """Whether it may be sent is in the order's status: who pays on delivery has paid nothing when Shopee says
    READY_TO_SHIP. What is not understood counts as voided and not as awaited: an order that awaits its
    payment for too long is cancelled. So does what is kept back and does not say that it was paid.
    """
    if order.order_status == codes.CANCELLED:
        return PaymentStatus.PAID if order.pay_time else PaymentStatus.VOIDED
    if order.order_status == codes.UNPAID:
        return PaymentStatus.PENDING
    if order.order_status in codes.SENT | codes.ARRIVED:
        return PaymentStatus.PAID
    if any(unknown(order, senders)):
        return PaymentStatus.VOIDED
    paid = order.order_status in codes.TO_SEND or order.pay_time or order.cod
    return PaymentStatus.PAID if paid else PaymentStatus.VOIDED


def _fulfilment(status: str) -> FulfilmentStatus:
    if status in codes.SENT:
        return FulfilmentStatus.FULFILLED
    return FulfilmentStatus.DELIVERED if status in codes.ARRIVED else FulfilmentStatus.UNFULFILLED


def _flags(order: wire.Order, senders: Senders, personal: tuple[object, ...]) -> Iterable[str]:
    yield "shipping_total_unknown"
    yield from kept_back(order)
    yield from unknown(order, senders)
    if order.cod:
        yield "cash_on_delivery"
    if "*" in repr(personal):  # every text in them
        yield "pii_masked"


def _line(item: wire.Item, currency: str) -> CanonicalLine:
    price = to_minor(str(item.model_original_price), currency)
    sold_for = item.model_discounted_price
    off = 0 if sold_for is None else price - to_minor(str(sold_for), currency)
    return CanonicalLine(
        external_line_id=item.key,
        external_line_ids=(item.key,),
        sku=text_of(item.model_sku) or text_of(item.item_sku),
        title=text_of(item.item_name) or "",
        quantity=item.model_quantity_purchased,
        cancelled_quantity=min(item.cancelled_qty, item.model_quantity_purchased),
        unit_price=price,
        discount=off * item.model_quantity_purchased,
        tax=0,
    )


def _ship_to(order: wire.Order) -> Address | None:
    given = order.recipient_address
    if given is None:
        return None
    street = text_of(given.full_address)
    return Address(
        name=text_of(given.name),
        lines=(street,) if street else (),
        district=text_of(given.district) or text_of(given.town),
        city=text_of(given.city),
        province=text_of(given.state),
        postal_code=text_of(given.zipcode),
        country=text_of(given.region) or text_of(order.region),
        phone=text_of(given.phone),
    )
