"""The order as the other services are told of it."""

from crossdock_contracts.envelope import Actor, Money
from crossdock_contracts.orders import (
    AccountRef,
    Buyer,
    Consignee,
    Destination,
    Fulfilment,
    FulfilmentPolicy,
    FulfilmentState,
    HoldReason,
    KitOrigin,
    LabelSource,
    OrderCancelledV1,
    OrderChangedV1,
    OrderCreatedV1,
    OrderLine,
    OrderSnapshot,
    OrderTotals,
    TaxId,
)
from order_service.domain.addresses import valid_country
from order_service.domain.canonical import Address
from order_service.domain.holds import HoldReason as Held
from order_service.domain.lines import Line
from order_service.domain.money import exponent
from order_service.domain.order import Order, Saying

_EVENTS: dict[Saying, type[OrderSnapshot]] = {
    Saying.CREATED: OrderCreatedV1,
    Saying.CHANGED: OrderChangedV1,
    Saying.CANCELLED: OrderCancelledV1,
}
#: The first version of these events has no word for them: that the order waits is in its state.
_UNTOLD = frozenset({Held.PLATFORM})


def snapshot(order: Order, saying: Saying, *, actor: Actor, reason: str | None) -> OrderSnapshot:
    """The event for what `Order.conclude` said."""
    identity, terms, process = order.identity, order.terms, order.process
    return _EVENTS[saying](
        merchant_id=identity.merchant_id,
        aggregate_version=order.version,
        actor=actor,
        reason=reason[:500] if reason else None,
        order_id=identity.order_id,
        account=AccountRef(account=identity.account, platform=identity.platform, shop_ref=identity.shop_ref),
        marketplace_order_ref=identity.external_id,
        order_number=identity.order_number[:255],
        placed_at=identity.placed_at,
        fulfilment=Fulfilment(
            state=FulfilmentState(order.status.value),
            holds=tuple(HoldReason(one.value) for one in sorted(process.holds) if one not in _UNTOLD),
            policy=FulfilmentPolicy(terms.policy.value),
            label_source=LabelSource(terms.label_source.value),
            ship_by=terms.ship_by,
            shipping_method=_cut(order.content.shipping_method, 255),
            incoterm=terms.incoterm,
            reserve_until=process.reserve_until,
        ),
        destination=_destination(order.people.consignee),
        label_revision=order.label_revision,
        totals=_totals(order),
        lines=tuple(_line(one, order.content.currency) for one in order.lines),
        consignee=_consignee(order),
        buyer=_buyer(order),
    )


def _money(amount_minor: int, currency: str) -> Money:
    return Money(amount_minor=amount_minor, currency=currency, exponent=exponent(currency))


def _totals(order: Order) -> OrderTotals:
    content, totals = order.content, order.content.totals
    currency = content.currency
    shown = content.presentment_total
    return OrderTotals(
        items_subtotal=_money(totals.items_subtotal, currency),
        discount_total=_money(totals.discount_total, currency),
        shipping_total=None if totals.shipping_total is None else _money(totals.shipping_total, currency),
        tax_total=_money(totals.tax_total, currency),
        grand_total=_money(totals.grand_total, currency),
        presentment_total=None if shown is None else _money(*shown),
        tax_included=content.tax_included,
    )


def _line(line: Line, currency: str) -> OrderLine:
    kit = None
    if line.kit_sku is not None and line.units_per_kit is not None:
        kit = KitOrigin(kit_sku=line.kit_sku, units_per_kit=line.units_per_kit)
    return OrderLine(
        line_id=line.line_id,
        external_line_ids=line.external_line_ids,
        sku=line.sku,
        external_sku=_cut(line.external_sku, 255),
        title=line.title[:1000],
        units_ordered=line.units_ordered,
        units=line.units,
        unit_value=line.unit_value,
        line_total=_money(line.total_minor, currency),
        kit=kit,
    )


def _destination(address: Address | None) -> Destination | None:
    if address is None or address.country is None or not valid_country(address.country):
        return None
    return Destination(country=address.country, province=_cut(address.province, 128))


def _consignee(order: Order) -> Consignee | None:
    address = order.people.consignee
    if address is None or address.country is None or not valid_country(address.country):
        return None
    return Consignee(
        name=_cut(address.name, 255),
        company=_cut(address.company, 255),
        lines=address.lines,
        district=_cut(address.district, 255),
        city=_cut(address.city, 255),
        province=_cut(address.province, 255),
        postal_code=_cut(address.postal_code, 32),
        country=address.country,
        phone=_cut(address.phone, 64),
        email=_cut(order.people.buyer.email, 320),
        tax_ids=tuple(TaxId(kind=one.kind, value=one.value) for one in order.people.tax_ids),
    )


def _buyer(order: Order) -> Buyer:
    buyer = order.people.buyer
    return Buyer(
        name=_cut(buyer.name, 255),
        email=_cut(buyer.email, 320),
        locale=_cut(buyer.locale, 35),
        may_write=order.terms.may_write,
    )


def _cut(given: str | None, longest: int) -> str | None:
    """What is longer than the contract allows is cut: a wish of the contract must not lose the order."""
    return None if given is None else given[:longest]
