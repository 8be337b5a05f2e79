"""eBay's order to the canonical one, and our parcels to their calls: pure functions."""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from order_service.adapters.marketplaces.ebay import codes, wire
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
from order_service.use_cases.marketplace import Erasure, Pointer, Said, Tracking

PLATFORM: Final = "ebay"
ORDER_ID: Final = re.compile(r"[0-9A-Za-z!-]{1,64}")
#: How deep, and through how many values, an order id is looked for in a notice.
DEPTH: Final = 6
VALUES: Final = 2000


@dataclass(frozen=True, slots=True)
class Habits:
    """What eBay's documents leave open, from the settings."""

    unshipped_instructions: Set[str] = frozenset()


def read(topic: str, body: bytes, habits: Habits) -> Said:
    """What a notice or a fetched order says; None for notices of nothing that concerns orders. Raises
    NotAnOrder: fields, no values.
    """
    try:
        if topic == codes.FETCHED:
            return to_canonical(wire.Order.model_validate_json(body), habits)
        if topic == codes.ORDER_CONFIRMATION:
            return _pointer(wire.Notice.model_validate_json(body))
        if topic == codes.ACCOUNT_DELETION:
            return _erasure(wire.Notice.model_validate_json(body))
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        raise NotAnOrder(*(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found[:5])) from None
    except ValueError as error:
        raise NotAnOrder(str(error)) from None
    except OverflowError:
        raise NotAnOrder("a time is outside of the calendar") from None
    if not topic:
        raise NotAnOrder("metadata.topic: missing")
    return None


def _pointer(notice: wire.Notice) -> Pointer:
    """The notice's own time is not the order's time of change, so the order is fetched whatever it says."""
    for name, value in _values(notice.notification.data):
        if name == "orderId" and isinstance(value, str) and ORDER_ID.fullmatch(value):
            return Pointer(value)
    raise NotAnOrder("notification.data: no orderId")


def _erasure(notice: wire.Notice) -> Erasure:
    """Orders name buyers by their user name, or by an id in its place; which of the ids is not told."""
    user = wire.User.model_validate(notice.notification.data)
    names = {name for name in map(text_of, (user.username, user.userId, user.eiasToken)) if name}
    if not names:
        raise NotAnOrder("notification.data: no username, userId or eiasToken")
    return Erasure(frozenset(names))


def _values(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every name in the object with its value, the outer ones first: where the id stands is not told."""
    level: list[Any] = [data]
    seen = 0
    for _ in range(DEPTH):
        deeper: list[Any] = []
        for one in level:
            named = one.items() if isinstance(one, dict) else (("", inner) for inner in one)
            for name, value in named:
                seen += 1
                if seen > VALUES:
                    return
                yield name, value
                if isinstance(value, dict | list):
                    deeper.append(value)
        level = deeper


def to_canonical(order: wire.Order, habits: Habits) -> CanonicalOrder:
    """Raises ValueError when an amount is no number."""
    currency = order.pricingSummary.total.currency
    instructions = order.fulfillmentStartInstructions[0] if order.fulfillmentStartInstructions else None
    step = (instructions.shippingStep if instructions else None) or wire.ShippingStep()
    ships = instructions is None or (
        instructions.fulfillmentInstructionsType not in habits.unshipped_instructions
    )
    totals = _totals(order, currency)
    return CanonicalOrder(
        platform=PLATFORM,
        external_id=order.orderId,
        order_number=order.orderId,
        placed_at=order.creationDate,
        updated_at=order.lastModifiedDate or order.creationDate,
        currency=currency,
        tax_included=False,
        totals=totals,
        lines=tuple(_line(one, currency, ships) for one in order.lineItems),
        ship_to=None if step.shipTo is None else _address(step.shipTo),
        buyer=CanonicalBuyer(
            name=text_of(order.buyer.username),
            email=text_of(step.shipTo.email) if step.shipTo else None,
        ),
        payment_status=codes.PAYMENT.get(order.orderPaymentStatus, PaymentStatus.PENDING),
        fulfilment_status=_fulfilment(order),
        cancelled=order.cancelStatus.cancelState == codes.CANCELLED,
        shipping_method=text_of(step.shippingServiceCode) or text_of(step.shippingCarrierCode),
        notes=text_of(order.buyerCheckoutNotes),
        tax_ids=_tax_ids(order),
        flags=tuple(_flags(order, totals, instructions)),
    )


def _fulfilment(order: wire.Order) -> FulfilmentStatus:
    said = order.orderFulfillmentStatus or codes.NOT_STARTED
    return codes.FULFILMENT.get(said, FulfilmentStatus.UNFULFILLED)


def _flags(
    order: wire.Order, totals: CanonicalTotals, instructions: wire.Instructions | None
) -> Iterable[str]:
    taxes = [tax for line in order.lineItems for tax in line.ebayCollectAndRemitTaxes]
    if order.orderPaymentStatus not in codes.PAYMENT:
        yield "unknown_payment_status"
    if (order.orderFulfillmentStatus or codes.NOT_STARTED) not in codes.FULFILMENT:
        yield "unknown_fulfilment_status"
    if order.cancelStatus.cancelState == codes.CANCEL_UNDER_WAY:
        yield "cancel_requested"
    if not _adds_up(totals):
        yield "total_mismatch"
    if len(set(_currencies(order))) > 1:
        yield "mixed_currencies"
    if totals.marketplace_collected_tax:
        yield "marketplace_tax_outside_total"
    if not all(_kept_by_ebay(tax) for tax in taxes):
        yield "tax_to_be_paid_over_by_seller"
    if any(text_of(line.sku) is None for line in order.lineItems):
        yield "listing_as_sku"
    step = instructions.shippingStep if instructions else None
    if step is not None and step.shipTo is not None and not _lines(step.shipTo.contactAddress):
        yield "street_withheld"
    if instructions is not None and instructions.finalDestinationAddress:
        yield "sent_to_forwarder"


def _totals(order: wire.Order, currency: str) -> CanonicalTotals:
    """`total` holds no tax that eBay collects. Signs of discounts and adjustments are as eBay gives them, but
    for the discount on delivery, which some orders have with a minus.
    """
    summary, lines = order.pricingSummary, order.lineItems
    costs = sum(_minor(one.lineItemCost, currency) for one in lines)
    subtotal = summary.priceSubtotal
    return CanonicalTotals(
        items_subtotal=costs if subtotal is None else _minor(subtotal, currency),
        discount_total=sum(_discount(one, currency) for one in lines),
        shipping_total=(
            _minor(summary.deliveryCost, currency) - abs(_minor(summary.deliveryDiscount, currency))
        ),
        tax_total=_minor(summary.tax, currency),
        marketplace_collected_tax=sum(
            _minor(tax.amount, currency)
            for line in lines
            for tax in line.ebayCollectAndRemitTaxes
            if _kept_by_ebay(tax)
        ),
        other_charges_total=_minor(summary.adjustment, currency) + _minor(summary.fee, currency),
        grand_total=_minor(summary.total, currency),
        refunded_total=sum(_minor(one.amount, currency) for one in order.paymentSummary.refunds),
    )


def _minor(amount: wire.Amount | None, currency: str) -> int:
    return 0 if amount is None else to_minor(amount.value, currency)


def _kept_by_ebay(tax: wire.CollectedTax) -> bool:
    return tax.collectionMethod in {None, codes.KEPT_BY_EBAY}


def _adds_up(totals: CanonicalTotals) -> bool:
    """The fact sheets' identity, of amounts without tax."""
    goods = totals.items_subtotal - totals.discount_total
    charges = (totals.shipping_total or 0) + (totals.other_charges_total or 0)
    return totals.grand_total == goods + charges + totals.tax_total


def _currencies(order: wire.Order) -> Iterable[str]:
    yield order.pricingSummary.total.currency
    for line in order.lineItems:
        yield line.lineItemCost.currency
        yield from (tax.amount.currency for tax in line.ebayCollectAndRemitTaxes)


def _line(line: wire.LineItem, currency: str, ships: bool) -> CanonicalLine:
    cost = _minor(line.lineItemCost, currency)
    unit_price = _divided(cost, line.quantity)
    taxes = [one.amount for one in line.taxes] + [one.amount for one in line.ebayCollectAndRemitTaxes]
    return CanonicalLine(
        external_line_id=line.lineItemId,
        external_line_ids=(line.lineItemId,),
        sku=text_of(line.sku) or _listing(line),
        title=text_of(line.title) or "",
        quantity=line.quantity,
        cancelled_quantity=0,  # eBay cancels whole orders
        unit_price=unit_price,
        # Never more than the rounded price of all units, or what was paid for the line would be negative.
        discount=min(_discount(line, currency), unit_price * line.quantity),
        tax=sum(_minor(one, currency) for one in taxes),
        ships=ships,
    )


def _listing(line: wire.LineItem) -> str | None:
    """Where the seller gave no SKU, the listing and its variation are what can be mapped to one of ours."""
    item, variation = text_of(line.legacyItemId), text_of(line.legacyVariationId)
    return f"{item}:{variation}" if item and variation not in {None, "0"} else item


def _discount(line: wire.LineItem, currency: str) -> int:
    if line.discountedLineItemCost is None:
        return 0
    return _minor(line.lineItemCost, currency) - _minor(line.discountedLineItemCost, currency)


def _divided(amount: int, units: int) -> int:
    """Half up."""
    return (2 * amount + units) // (2 * units) if units else amount


def _address(given: wire.ShipTo) -> Address:
    contact = given.contactAddress
    return Address(
        name=text_of(given.fullName),
        company=text_of(given.companyName),
        lines=_lines(contact),
        city=text_of(contact.city),
        province=text_of(contact.stateOrProvince),
        postal_code=text_of(contact.postalCode),
        country=text_of(contact.countryCode),
        phone=text_of(given.primaryPhone.phoneNumber) if given.primaryPhone else None,
    )


def _lines(contact: wire.ContactAddress) -> tuple[str, ...]:
    return tuple(line for line in map(text_of, (contact.addressLine1, contact.addressLine2)) if line)


def _tax_ids(order: wire.Order) -> tuple[TaxId, ...]:
    """The buyer's own number, and those under which eBay collected tax, each once."""
    own = order.buyer.taxIdentifier
    given = [(own.taxIdentifierType, own.taxpayerId)] if own else []
    for line in order.lineItems:
        references = (tax.ebayReference for tax in line.ebayCollectAndRemitTaxes)
        given += [(one.name, one.value) for one in references if one is not None]
    named = ((text_of(kind), text_of(value)) for kind, value in given)
    return tuple(dict.fromkeys(TaxId(kind.lower(), value) for kind, value in named if kind and value))


# -- tracking


def written(tracking_number: str) -> str:
    """A tracking number as eBay takes it: letters and digits."""
    return re.sub(r"[^0-9A-Za-z]", "", tracking_number)


def already_there(fulfilments: wire.Fulfilments, tracking_number: str) -> str | None:
    number = written(tracking_number)
    for one in fulfilments.fulfillments:
        if written(one.shipmentTrackingNumber or "") == number:
            return one.fulfillmentId
    return None


def to_fulfilment(tracking: Tracking, carriers: Mapping[str, str], other: str) -> Mapping[str, object]:
    """The parcel as left now: a tracking number comes to us when it leaves."""
    return {
        "lineItems": [{"lineItemId": line, "quantity": units} for line, units in tracking.units.items()],
        "shippingCarrierCode": carriers.get(tracking.carrier, other),
        "trackingNumber": written(tracking.tracking_number),
    }
