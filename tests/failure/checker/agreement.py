"""INV-7 and the mail's side of INV-12: what one party's books say, the others' say too."""

import json
from collections import Counter, defaultdict
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from .sources import Sources
from .verdict import Judgement

_ITEMS = """
    select i.allocation_id::text, i.state as item, s.state as leg
    from item i join shipment s using (shipment_id)
"""
_ALLOCATIONS = "select allocation_id::text, order_id::text, state from allocation"
_ORDERS = "select order_id::text, external_id, status, process, terms from orders"
_LEGS = "select order_id::text, shipment_id::text, state from shipment"
_OBLIGATIONS = """
    select order_id::text, subject as parcel_id, state, details from obligation where kind = 'tracking'
"""
_MESSAGES = """
    select message_id::text, merchant_id, order_id::text, template, subject, channel, revision, state
    from message
"""

_UNDER_WAY = frozenset({"planned", "buying", "outcome_unknown", "labelled", "needs_repair", "cancelling"})
_GONE = frozenset({"handed_over", "closed"})


async def judge_agreement(sources: Sources, judgement: Judgement) -> None:
    orders = await sources.rows("order", _ORDERS)
    await _allocations(sources, orders, judgement)
    await _ends(sources, orders, judgement)
    await _marketplace(sources, orders, judgement)
    await _mailbox(sources, orders, judgement)


async def _allocations(sources: Sources, orders: list[Any], judgement: Judgement) -> None:
    """Per allocation: what inventory, shipping and order-service have of it fits together."""
    items = {
        row["allocation_id"]: (row["item"], row["leg"]) for row in await sources.rows("shipping", _ITEMS)
    }
    legs = {
        allocation_id: leg["state"]
        for row in orders
        for allocation_id, leg in json.loads(row["process"])["legs"].items()
    }
    known = set()
    for row in await sources.rows("inventory", _ALLOCATIONS):
        allocation_id, state = row["allocation_id"], row["state"]
        known.add(allocation_id)
        judgement.looked("INV-7", 1)
        item, leg = items.get(allocation_id, ("none", "none"))
        in_order = legs.get(allocation_id, "none")
        gone = leg in _GONE and item in {"packed", "kept"}
        going = leg in _UNDER_WAY and item != "cancelled"
        stopped = item in {"cancelled", "none"} or leg == "cancelled"
        fits = {
            "consumed": gone and in_order in {"handed_over", "delivered", "returned", "lost"},
            "released": stopped and in_order in {"none", "cancelled"},
            "expired": item == "none" and in_order == "none",
            "reserved": item == "none" and in_order == "none",
            "published": going and in_order in {"planned", "labelled", "needs_repair", "cancelling"},
            "withdrawing": going and in_order in {"cancelling", "labelled", "planned"},
        }
        if not fits[state]:
            judgement.found(
                "INV-7",
                f"allocation {allocation_id} of order {row['order_id']}: inventory {state}, "
                f"shipping {leg}/{item}, order-service {in_order}",
            )
    for allocation_id in (items.keys() | legs.keys()) - known:
        judgement.found("INV-7", f"inventory never heard of allocation {allocation_id}")


async def _ends(sources: Sources, orders: list[Any], judgement: Judgement) -> None:
    """A closed order has a shipment that left and none under way, a cancelled one has none that left."""
    legs: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in await sources.rows("shipping", _LEGS):
        legs[row["order_id"]][row["state"]] += 1
    for row in orders:
        judgement.looked("INV-7", 1)
        states = legs[row["order_id"]]
        told = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"
        left = any(states[state] for state in _GONE)
        under_way = any(states[state] for state in _UNDER_WAY)
        if row["status"] == "closed" and (under_way or not left):
            judgement.found("INV-7", f"order {row['order_id']} is closed, its shipments are {told}")
        if row["status"] == "cancelled" and (under_way or left):
            judgement.found("INV-7", f"order {row['order_id']} is cancelled, its shipments are {told}")


async def _marketplace(sources: Sources, orders: list[Any], judgement: Judgement) -> None:
    """What left is owed to the marketplace and is in its books, once, with its units."""
    there: defaultdict[tuple[str, str], list[Counter[str]]] = defaultdict(list)
    for fulfilment in await sources.book("shopify", "fulfillments"):
        units = Counter[str]()
        for line in fulfilment["lines"]:
            units[str(line["line_item_id"])] += line["quantity"]
        for number in fulfilment["numbers"]:
            there[str(fulfilment["order_id"]), number].append(units)
    owed = {}
    confirmed = 0
    external = {row["order_id"]: row["external_id"] for row in orders}
    obligations = {row["parcel_id"]: row for row in await sources.rows("order", _OBLIGATIONS)}
    for parcel_id, row in obligations.items():
        judgement.looked("INV-7", 1)
        details = json.loads(row["details"])
        at = (external[row["order_id"]], details["tracking_number"])
        owed[at] = parcel_id
        found = there.get(at, [])
        name = f"parcel {parcel_id} of order {row['order_id']}"
        if len(found) > 1:
            judgement.found("INV-12", f"{name} was written back to the marketplace {len(found)} times")
        if row["state"] == "confirmed":
            confirmed += 1
            if not found:
                judgement.found("INV-7", f"{name} counts as written back, and the marketplace has nothing")
            elif found[0] != Counter(details["units"]):
                judgement.found(
                    "INV-7", f"{name}: {sum(details['units'].values())} units are owed, others written back"
                )
    for order_id, number in there.keys() - owed.keys():
        judgement.found("INV-7", f"the marketplace has parcel {number} of its order {order_id}, we owe none")
    judgement.balance(
        "INV-7",
        "parcels confirmed by us, and fulfilments at the marketplace",
        confirmed,
        sum(map(len, there.values())),
    )
    for row in orders:
        process = json.loads(row["process"])
        if not json.loads(row["terms"])["may_write"]:
            continue
        for parcel_id, parcel in process["parcels"].items():
            whole = all(one["external_line_ids"] for one in parcel["contents"]) and not process["wish"]
            if parcel["left"] and not parcel["told"] and whole:
                judgement.found("INV-7", f"parcel {parcel_id} left, and the marketplace is owed nothing")


async def _mailbox(sources: Sources, orders: list[Any], judgement: Judgement) -> None:
    """Each thing is said once (INV-12), and what counts as sent lies in the mailbox (INV-7)."""
    mails = Counter(
        (row["message_id"] or "").strip("<>").partition("@")[0]
        for row in await sources.book("mailbox", "messages")
    )
    known: dict[str, str] = {}
    told: set[str] = set()
    sent = 0
    for row in await sources.rows("notify", _MESSAGES):
        judgement.looked("INV-7", 1)
        key = (
            row[name] for name in ("merchant_id", "order_id", "template", "subject", "channel", "revision")
        )
        reference = str(uuid5(NAMESPACE_URL, "crossdock:message:" + "/".join(map(str, key))))
        known[reference] = row["state"]
        name = f"message {row['message_id']} ({row['template']} of order {row['order_id']})"
        if row["template"] == "shipped":
            told.add(row["subject"])
        if row["state"] == "sent":
            sent += 1
            if not mails[reference]:
                judgement.found("INV-7", f"{name} counts as sent and is not in the mailbox")
        if row["state"] in ("suppressed", "waiting", "failed") and mails[reference]:
            judgement.found("INV-7", f"{name} is {row['state']} and lies in the mailbox")
        if row["state"] in ("waiting", "sending"):
            judgement.found("INV-7", f"{name} is {row['state']} for ever")
    for reference, times in mails.items():
        judgement.looked("INV-12", 1)
        if times > 1:
            judgement.found("INV-12", f"mail {reference} was taken {times} times")
        if reference not in known:
            judgement.found("INV-7", f"mail {reference} is in the mailbox, and nobody planned it")
    left = {
        parcel_id
        for row in orders
        for parcel_id, parcel in json.loads(row["process"])["parcels"].items()
        if parcel["left"]
    }
    for parcel_id in sorted(left - told):
        judgement.found("INV-7", f"parcel {parcel_id} left, and the buyer is not told")
    for subject in sorted(told - left):
        judgement.found("INV-7", f"a buyer is told of parcel {subject}, which did not leave")
    unsure = sum(state in ("outcome_unknown", "replaced") and mails[one] > 0 for one, state in known.items())
    judgement.balance("INV-7", "messages sent, and mails in the mailbox", sent + unsure, sum(mails.values()))
