"""What an order's breakdowns add up to: pure functions over amounts in minor units.

Amazon says of every item, and at times of the order alone, what was paid for goods, postage, tax and so on.
Whether a discount has a minus sign, and whether prices hold their VAT, is written nowhere: signs are ignored,
and the sum decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from order_service.adapters.marketplaces.amazon import codes, wire
from order_service.domain.canonical import CanonicalTotals
from order_service.domain.money import to_minor


@dataclass(frozen=True, slots=True)
class Parts:
    """Amounts of an item or an order, in minor units. `postage_discount` is a part of no other discount."""

    goods: int
    postage: int
    tax: int
    discount: int
    postage_discount: int
    other: int

    def total(self, *, with_tax: bool) -> int:
        paid = self.goods + self.postage + self.other - self.discount - self.postage_discount
        return paid + self.tax if with_tax else paid


def parts_of(breakdowns: Sequence[wire.Breakdown], currency: str) -> Parts:
    """Raises ValueError when an amount is no number."""
    discounts = [one for one in breakdowns if one.type == codes.DISCOUNT]
    postage = sum(
        abs(_minor(part.value, currency))
        for one in discounts
        for part in one.detailed_breakdowns
        if part.subtype == codes.SHIPPING
    )
    whole = sum(abs(_minor(one.subtotal, currency)) for one in discounts)
    return Parts(
        goods=_sum(breakdowns, (codes.ITEM,), currency),
        postage=_sum(breakdowns, (codes.SHIPPING,), currency),
        tax=_sum(breakdowns, (codes.TAX,), currency),
        discount=max(whole - postage, 0),
        postage_discount=postage,
        other=_sum(breakdowns, codes.OTHER_CHARGES, currency),
    )


def parts_of_order(order: wire.Order, currency: str) -> Parts | None:
    """Of all items, and of the order itself for what no item speaks of. None: nothing is said of money."""
    said = [one for item in order.order_items for one in item.proceeds.breakdowns]
    types = {one.type for one in said}
    said += [one for one in order.proceeds.breakdowns if one.type not in types]
    return parts_of(said, currency) if said else None


def totals_of(order: wire.Order, currency: str) -> CanonicalTotals:
    parts = parts_of_order(order, currency)
    return CanonicalTotals(
        items_subtotal=sum(item.quantity_ordered * unit_price(item, currency) for item in order.order_items),
        discount_total=parts.discount if parts else 0,
        shipping_total=parts.postage - parts.postage_discount if parts else None,
        tax_total=parts.tax if parts else 0,
        marketplace_collected_tax=sum(
            parts_of(item.proceeds.breakdowns, currency).tax
            for item in order.order_items
            if _is_collected_by_amazon(item)
        ),
        other_charges_total=parts.other if parts else None,
        grand_total=grand_total(order, currency),
        refunded_total=0,  # refunds are not in the order
    )


def grand_total(order: wire.Order, currency: str) -> int:
    """Amazon's own, or the items' where it says none."""
    if order.proceeds.grand_total is not None:
        return _minor(order.proceeds.grand_total, currency)
    return sum(_minor(item.proceeds.proceeds_total, currency) for item in order.order_items)


def unit_price(item: wire.OrderItem, currency: str) -> int:
    """Before discounts. A replacement's is nothing at all."""
    return _minor(item.product.price.unit_price, currency)


def tax_included(totals: CanonicalTotals) -> bool | None:
    """Whether prices hold their tax, as far as the sum tells. None: there is no tax, or nothing adds up."""
    if not totals.tax_total:
        return None
    missing = totals.grand_total - _without_tax(totals)
    return {0: True, totals.tax_total: False}.get(missing)


def adds_up(totals: CanonicalTotals) -> bool:
    return totals.grand_total - _without_tax(totals) in {0, totals.tax_total}


def item_adds_up(item: wire.OrderItem, currency: str) -> bool:
    """Whether what is said of the item's parts is what is said of its whole; true where either is missing."""
    proceeds = item.proceeds
    if proceeds.proceeds_total is None or not proceeds.breakdowns:
        return True
    parts, total = parts_of(proceeds.breakdowns, currency), _minor(proceeds.proceeds_total, currency)
    return total in {parts.total(with_tax=True), parts.total(with_tax=False)}


def currency_of(order: wire.Order) -> str | None:
    """The one that the order is paid in; None where not a single amount is said."""
    return next((one.currency_code for one in _amounts(order) if one is not None), None)


def _amounts(order: wire.Order) -> Iterable[wire.Money | None]:
    yield order.proceeds.grand_total
    for item in order.order_items:
        yield item.proceeds.proceeds_total
        yield item.product.price.unit_price


def _without_tax(totals: CanonicalTotals) -> int:
    charges = (totals.shipping_total or 0) + (totals.other_charges_total or 0)
    return totals.items_subtotal - totals.discount_total + charges


def _is_collected_by_amazon(item: wire.OrderItem) -> bool:
    return any(one.model == codes.FACILITATOR for one in item.tax.tax_collections)


def _sum(breakdowns: Iterable[wire.Breakdown], types: Sequence[str], currency: str) -> int:
    return sum(_minor(one.subtotal, currency) for one in breakdowns if one.type in types)


def _minor(money: wire.Money | None, currency: str) -> int:
    """Raises ValueError for an amount in another currency: it cannot be added."""
    if money is None:
        return 0
    if money.currency_code != currency:
        raise ValueError("an amount is in another currency than the order")
    return to_minor(money.amount, currency)
