"""An order as Shopify's REST API and webhooks show it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from crossdock_cli.demo.cases import Case, Sold
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.world import CURRENCIES, GOODS, NEW_STREET, PLACES, Place, components_of

SHIPPING_CENTS = 490


def shop_order(run: Run, case: Case, *, placed_at: datetime) -> dict[str, Any]:
    """As it is when the buyer has just placed it."""
    place = PLACES[case.place]
    lines = [_line(run, case, index, sold, place.currency) for index, sold in enumerate(case.lines)]
    goods = sum(price(sold, place.currency) * sold.units for sold in case.lines)
    shipping = converted(SHIPPING_CENTS, place.currency)
    total = _text(goods + shipping, place.currency)
    return {
        "id": run.order_id(case),
        "name": run.order_number(case),
        "created_at": _time(placed_at),
        "updated_at": _time(placed_at),
        "cancelled_at": None,
        "cancel_reason": None,
        "currency": place.currency,
        "presentment_currency": place.currency,
        "taxes_included": True,
        "test": False,
        "financial_status": "paid" if case.paid else "pending",
        "fulfillment_status": None,
        "total_line_items_price": _text(goods, place.currency),
        "total_discounts": _text(0, place.currency),
        "total_tax": _text(0, place.currency),
        "total_price": total,
        "total_price_set": {"shop_money": _money(total, place), "presentment_money": _money(total, place)},
        "line_items": lines,
        "shipping_lines": [
            {
                "title": "Standard",
                "code": "standard",
                "price": _text(shipping, place.currency),
                "discounted_price": _text(shipping, place.currency),
            }
        ],
        "shipping_address": _address(place, case.street),
        "customer": {"first_name": place.first_name, "last_name": place.last_name},
        "customer_locale": place.locale,
        "email": run.email(case),
        "contact_email": run.email(case),
        "refunds": [],
    }


def changed(order: dict[str, Any], change: str) -> dict[str, Any]:
    """The order after the buyer paid, cancelled, or gave another address."""
    now = _time(datetime.now(UTC))
    if change == "paid":
        return {**order, "financial_status": "paid", "updated_at": now}
    if change == "cancelled":
        return {**order, "cancelled_at": now, "cancel_reason": "customer", "updated_at": now}
    if change == "address":
        return {**order, "shipping_address": {**order["shipping_address"], **NEW_STREET}, "updated_at": now}
    raise ValueError(change)


def is_changed(order: Mapping[str, Any], change: str) -> bool:
    """Whether the buyer has done that already."""
    done: dict[str, bool] = {
        "paid": order["financial_status"] == "paid",
        "cancelled": order["cancelled_at"] is not None,
        "address": order["shipping_address"]["address1"] == NEW_STREET["address1"],
    }
    return done[change]


def _line(run: Run, case: Case, index: int, sold: Sold, currency: str) -> dict[str, Any]:
    return {
        "id": run.line_id(case, index),
        "sku": run.sku(sold.name),
        "title": title_of(sold.name),
        "quantity": sold.units,
        "current_quantity": sold.units,
        "fulfillable_quantity": sold.units,
        "price": _text(price(sold, currency), currency),
        "requires_shipping": True,
        "discount_allocations": [],
        "tax_lines": [],
    }


def title_of(name: str) -> str:
    return " + ".join(GOODS[part].title for part in components_of(name))


def _address(place: Place, street: str | None) -> dict[str, Any]:
    return {
        "name": f"{place.first_name} {place.last_name}",
        "first_name": place.first_name,
        "last_name": place.last_name,
        "address1": street or place.street,
        "address2": place.street2,
        "city": place.city,
        "province": place.province,
        "zip": place.zip,
        "country_code": place.country,
        "phone": place.phone,
    }


def price(sold: Sold, currency: str) -> int:
    """Of one unit, in minor units."""
    cents = sum(GOODS[name].cents * units for name, units in components_of(sold.name).items())
    return converted(cents, currency)


def converted(cents: int, currency: str) -> int:
    """EUR cents in minor units of another currency."""
    rate, exponent = CURRENCIES[currency]
    return round(cents * rate / float(10 ** (2 - exponent)))


def _text(minor: int, currency: str) -> str:
    exponent = CURRENCIES[currency][1]
    return str(minor) if exponent == 0 else f"{minor / 10**exponent:.{exponent}f}"


def _money(amount: str, place: Place) -> dict[str, str]:
    return {"amount": amount, "currency_code": place.currency}


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
