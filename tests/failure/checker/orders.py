"""INV-1, INV-2, INV-18, INV-20: what clients were told is true, for every order and every amount."""

import json
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

from ..history import CommandSent, History
from .sources import Sources
from .verdict import Judgement

_ORDERS = """
    select order_id::text, shop_ref, external_id, status, version, hold_reasons, progress, content, lines
    from orders
"""

_INBOUND = "select account, dedupe_key, topic, state, order_id::text from inbound_message"

#: What a person sees of an order in the services' lists: by service, the ids of such orders.
_SHOWN = {
    "order": (
        "select order_id::text from order_exception where resolved_at is null"
        " union select order_id::text from obligation where state in ('refused', 'needs_person')"
    ),
    "inventory": "select order_id::text from stock_exception where state = 'open' and order_id is not null",
    "shipping": (
        "select order_id::text from shipment_exception where resolved_at is null"
        " union select order_id::text from shipment where state = 'needs_repair'"
    ),
}

#: Labelled, and the warehouse says itself when it hands over.
_AT_THE_DOOR = """
    select s.order_id::text, s.warehouse from shipment s where s.state = 'labelled'
"""
_MANUAL = "select code from warehouse where hand_over = 'manual'"

_WAITS_FOR_STOCK = frozenset({"backordered", "unfilled", "needs_repair"})
_ENDS = frozenset({"closed", "cancelled"})

#: ISO 4217 of the currencies that do not have two decimals, as far as shops here use them.
_EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "KWD": 3, "BHD": 3, "JOD": 3, "TND": 3}


async def judge_orders(sources: Sources, history: History, judgement: Judgement) -> None:
    orders = await sources.rows("order", _ORDERS)
    await _ended(sources, orders, judgement)
    await _nothing_acked_is_lost(sources, history, orders, judgement)
    _same_answers(history, judgement)
    await _amounts(sources, orders, judgement)
    _never_back(history, judgement)


async def _ended(sources: Sources, orders: list[Any], judgement: Judgement) -> None:
    """INV-1: every order is over, or waits for somebody who can see it."""
    shown = {row["order_id"] for service, sql in _SHOWN.items() for row in await sources.rows(service, sql)}
    manual = {row["code"] for row in await sources.rows("inventory", _MANUAL)}
    at_the_door = {
        row["order_id"] for row in await sources.rows("shipping", _AT_THE_DOOR) if row["warehouse"] in manual
    }
    ended = waiting = 0
    for row in orders:
        judgement.looked("INV-1", 1)
        if row["status"] in _ENDS:
            ended += 1
            continue
        visible = (
            row["order_id"] in shown
            or (row["status"] == "held" and row["hold_reasons"])
            or (row["status"] == "open" and _WAITS_FOR_STOCK & set(row["progress"]))
            or (row["status"] == "open" and row["order_id"] in at_the_door)
        )
        if visible:
            waiting += 1
        else:
            judgement.found(
                "INV-1",
                f"order {row['order_id']} is {row['status']} ({', '.join(row['progress']) or 'no progress'}) "
                "and nobody can see why",
            )
    judgement.balance(
        "INV-1", "orders taken, and orders ended or visibly waiting", len(orders), ended + waiting
    )


async def _nothing_acked_is_lost(
    sources: Sources, history: History, orders: list[Any], judgement: Judgement
) -> None:
    """INV-1: an acknowledged delivery is stored, and its order is there. One without an answer may be."""
    stored = {row["dedupe_key"]: row for row in await sources.rows("order", _INBOUND)}
    known = {row["external_id"] for row in orders}
    acked: set[str] = set()
    for one in history.webhooks:
        if one.status is None or not 200 <= one.status < 300 or one.webhook_id in acked:
            continue
        acked.add(one.webhook_id)
        judgement.looked("INV-1", 1)
        row = stored.get(one.webhook_id)
        if row is None:
            judgement.found(
                "INV-1", f"webhook {one.webhook_id} ({one.topic}) was acknowledged and is nowhere"
            )
        elif row["state"] in ("imported", "unchanged", "stale") and str(one.order_id) not in known:
            judgement.found(
                "INV-1",
                f"webhook {one.webhook_id} ({one.topic}) is {row['state']}, "
                f"its order {one.order_id} is nowhere",
            )
    judgement.balance(
        "INV-1", "webhooks acknowledged, and stored", len(acked), sum(one in stored for one in acked)
    )


def _same_answers(history: History, judgement: Judgement) -> None:
    """INV-2: one idempotency key has one answer, and never serves two bodies."""
    asked: defaultdict[tuple[str, str, str], list[CommandSent]] = defaultdict(list)
    for one in history.commands:
        if one.status is not None and 200 <= one.status < 300:
            asked[one.service, one.path, one.idempotency_key].append(one)
    for (service, path, key), answers in asked.items():
        judgement.looked("INV-2", 1)
        bodies = {one.body_digest for one in answers}
        said = {(one.status, json.dumps(one.answer, sort_keys=True, default=str)) for one in answers}
        if len(bodies) > 1:
            judgement.found("INV-2", f"{service} {path}: key {key} was taken with {len(bodies)} bodies")
        elif len(said) > 1:
            judgement.found("INV-2", f"{service} {path}: key {key} was answered in {len(said)} ways")


async def _amounts(sources: Sources, orders: list[Any], judgement: Judgement) -> None:
    """INV-18, in whole minor units: our lines, our totals, the shops' and the carrier's own books."""
    shops = {str(one["id"]): one["body"] for one in await sources.book("shopify", "orders")}
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    for row in orders:
        content, lines = json.loads(row["content"]), json.loads(row["lines"])
        currency, totals = content["currency"], content["totals"]
        name = f"order {row['order_id']}"
        judgement.looked("INV-18", 1)
        if any(not isinstance(one, int) for one in totals.values() if one is not None):
            judgement.found("INV-18", f"{name} has totals that are no whole minor units")
        told: Counter[str] = Counter()
        for line in lines:
            told[line["external_line_ids"][0]] += line["total_minor"]
        for sold in content["sold"]:
            total = sold["quantity"] * sold["unit_price"] - sold["discount"]
            if sold["ships"] and told[sold["external_line_id"]] != total:
                judgement.found(
                    "INV-18",
                    f"{name}: the lines of {sold['external_line_id']} come to "
                    f"{told[sold['external_line_id']]} {currency}, sold for {total}",
                )
        body = shops.get(row["external_id"])
        if body is None:
            continue
        price = _minor(body["total_price"], body["currency"])
        ours[currency] += totals["grand_total"]
        theirs[body["currency"]] += int(price)
        if (totals["grand_total"], currency) != (price, body["currency"]):
            judgement.found(
                "INV-18", f"{name} comes to {totals['grand_total']} {currency}, its shop says otherwise"
            )
    for currency in sorted(ours.keys() | theirs.keys()):
        judgement.balance(
            "INV-18",
            f"order totals in {currency} (minor units): shops and ours",
            theirs[currency],
            ours[currency],
        )
    await _label_costs(sources, judgement)


async def _label_costs(sources: Sources, judgement: Judgement) -> None:
    bought = {
        row["carrier_ref"]: row
        for row in await sources.rows(
            "shipping",
            "select carrier_ref, cost_minor, cost_currency from label"
            " where carrier_ref is not null and cost_minor is not null",
        )
    }
    for sold in await sources.book("easypost", "shipments"):
        row = bought.get(sold["id"])
        if row is None or not sold["bought_at"]:
            continue
        judgement.looked("INV-18", 1)
        price = _minor(sold["rate"], sold["currency"])
        if (row["cost_minor"], row["cost_currency"]) != (price, sold["currency"]):
            judgement.found(
                "INV-18",
                f"label {sold['id']} cost {price} {sold['currency']}, we noted {row['cost_minor']} "
                f"{row['cost_currency']}",
            )


def _minor(amount: str, currency: str) -> Decimal:
    """In minor units. An amount that has a fraction of one left is equal to none of ours."""
    return Decimal(amount).scaleb(_EXPONENTS.get(currency, 2))


def _never_back(history: History, judgement: Judgement) -> None:
    """INV-20: one client's reads of one order never show an older version than before."""
    highest: dict[tuple[str, str], int] = {}
    for one in history.reads:
        judgement.looked("INV-20", 1)
        at = (one.client, one.order_id)
        if one.version < highest.get(at, 0):
            judgement.found(
                "INV-20",
                f"client {one.client} read version {one.version} of order {one.order_id} after {highest[at]}",
            )
        highest[at] = max(highest.get(at, 0), one.version)
