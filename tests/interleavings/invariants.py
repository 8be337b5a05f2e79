"""What must hold whatever happens in whatever order: some at every step, the rest when all rests."""

from collections import Counter, defaultdict
from uuid import UUID

from order_service.domain.leg import LegState

from .bus import Said
from .world import World

#: A service found that another contradicts it. No order of arrival may lead there.
CONTRADICTIONS = {
    "order": {
        "reserved_after_cancel",
        "reserved_after_close",
        "rejected_after_close",
        "rejected_after_shipping",
        "cancelled_after_shipping",
        "refused_after_cancel",
        "released_after_shipping",
        "shipped_after_cancel",
        "unknown_order",
    },
    "shipping": {
        "released_without_cancel",
        "released_after_hand_over",
        "order_closed_before_hand_over",
        "label_for_unknown_shipment",
    },
    "inventory": {"shipped_without_reservation", "shipped_unknown_stock"},
}
#: More left than is wanted now, and a person was told why.
EXPLAINS_TOO_MUCH = {
    "withdraw_refused",
    "cancel_refused",
    "change_refused",
    "changed_after_close",
    "cancelled_after_close",
}


async def check_now(world: World) -> None:
    """The books of stock, at every step. The database itself keeps reserved <= on_hand + short."""
    rows = await world.look.levels()
    wrong = [
        tuple(row)
        for row in rows
        if row.on_hand != row.booked
        or (row.condition == "sellable" and row.reserved != row.held)
        or row.reserved > row.on_hand + row.short
        or (row.short and row.short != row.reserved - row.on_hand)
    ]
    assert not wrong, f"levels, ledger and allocations differ: {wrong}"
    live = Counter(one.shipment_id for one in world.carrier.live())
    twice = {shipment for shipment, labels in live.items() if labels > 1}
    if twice:
        gone = {"abandoned", "void_pending", "void_submitted"}
        given_up = Counter(one.shipment_id for one in await world.look.labels() if one.state in gone)
        wrong_labels = [one for one in twice if live[one] - given_up[one] > 1]
        assert not wrong_labels, f"several labels of one parcel at the carrier: {wrong_labels}"


async def check_end(world: World) -> None:
    """Everything, when all was delivered, all jobs and timers have run and people did their part."""
    await check_now(world)
    problems = [
        *await contradictions(world),
        *await _ends(world),
        *await _agreement(world),
        *await _labels(world),
        *await _write_backs(world),
        *await _messages(world),
        *await _leftovers(world),
        *versions(world.bus.log, world.merchant),
    ]
    assert not problems, "\n".join([*problems, "", "What was said:", *_told(world)])


async def contradictions(world: World) -> list[str]:
    """A service found that another contradicts it."""
    found = []
    for service, codes in CONTRADICTIONS.items():
        raised = {one.code for one in await world.look.exceptions(service)}
        found += [f"{service}-service says {code}" for code in sorted(codes & raised)]
        if service == "inventory" and "books_were_wrong" in raised and not world.counted_down:
            found.append("inventory-service says books_were_wrong, and nobody counted fewer")
    return found


async def _ends(world: World) -> list[str]:
    """Every order is over, or waits for something a person can see."""
    problems = []
    refused: defaultdict[UUID | None, set[str]] = defaultdict(set)
    for row in await world.look.exceptions("order"):
        refused[row.order_id].add(row.code)
    for shop_order in world.shop.orders.values():
        order = await world.seen(shop_order)
        progress = await world.progress(shop_order)
        name = f"order {order.identity.order_number} ({order.status}, {sorted(progress)})"
        if order.status == "cancelling":
            problems.append(f"{name} is cancelling for ever")
        # A held order waits for a person first: nobody labels it anew before it is open again.
        if progress & {"awaiting_stock", "change_pending"} and order.status != "held":
            problems.append(f"{name} waits for an answer that does not come")
        if order.status == "open" and not progress & {"backordered", "unfilled", "needs_repair"}:
            problems.append(f"{name} is open, and nobody can see why")
        if order.status == "held" and not order.process.holds:
            problems.append(f"{name} is held for no reason")
        shipped: Counter[UUID] = Counter()
        for parcel in order.process.parcels.values():
            if parcel.left:
                for packed in parcel.contents:
                    shipped[packed.line_id] += packed.units
        wanted = {line.line_id: line.units for line in order.lines}
        ordered = {line.line_id: line.units_ordered for line in order.lines}
        for line_id, units in shipped.items():
            if units > ordered.get(line_id, 0):
                problems.append(f"{name} shipped {units} of {ordered.get(line_id, 0)} units ordered")
            elif units > wanted[line_id] and not refused[order.identity.order_id] & EXPLAINS_TOO_MUCH:
                problems.append(
                    f"{name} shipped {units} of {wanted[line_id]} units wanted, and nobody was told"
                )
    return problems


async def _agreement(world: World) -> list[str]:
    """Per allocation: what inventory, shipping and order-service have of it fits together."""
    problems = []
    items = {row.allocation_id: (row.state, row.leg) for row in await world.look.items()}
    legs: dict[UUID, str] = {}
    numbers: dict[UUID, str] = {}
    status: dict[UUID, str] = {}
    for shop_order in world.shop.orders.values():
        order = await world.seen(shop_order)
        numbers[order.identity.order_id] = order.identity.order_number
        status[order.identity.order_id] = order.status
        legs |= {one.allocation_id: one.state for one in order.process.legs.values()}
    known = set()
    for row in await world.look.allocations():
        known.add(row.allocation_id)
        item, leg = items.get(row.allocation_id, ("none", "none"))
        in_order = legs.get(row.allocation_id, "none")
        gone = leg in {"handed_over", "closed"} and item in {"packed", "kept"}
        going = (
            leg in {"planned", "buying", "outcome_unknown", "labelled", "needs_repair"}
            and item != "cancelled"
        )
        stopped = item in {"cancelled", "none"} or leg == "cancelled"
        fits = {
            "consumed": gone and in_order in {"handed_over", "delivered", "returned", "lost"},
            "released": stopped and in_order in {"none", "cancelled"},
            "expired": item == "none" and in_order == "none",
            "reserved": item == "none" and in_order == "none",
            "published": going and in_order in {LegState.PLANNED, LegState.LABELLED, LegState.NEEDS_REPAIR},
        }
        if not fits.get(row.state, False):
            problems.append(
                f"{row.units} {row.sku} of {numbers.get(row.order_id)}: inventory {row.state}, "
                f"shipping {leg}/{item}, "
                f"order-service {in_order}"
            )
        if status.get(row.order_id) == "cancelled" and row.state not in {"released", "expired"}:
            problems.append(
                f"{numbers[row.order_id]} is cancelled, and {row.units} {row.sku} are {row.state}"
            )
    problems += [f"inventory never heard of allocation {one}" for one in (items.keys() | legs.keys()) - known]
    return problems


async def _labels(world: World) -> list[str]:
    """The carrier's book: a live label belongs to a leg that has it, or somebody was told to reconcile it."""
    problems = []
    rows = await world.look.labels()
    states = {row.carrier_ref: (row.state, row.leg) for row in rows if row.carrier_ref}
    for sold in world.carrier.live():
        state, leg = states.get(sold.carrier_ref, ("unknown to us", "none"))
        if state not in {"bought", "abandoned"}:
            problems.append(f"a label that is paid for is {state} (leg {leg})")
    open_ones = [(row.state, row.leg) for row in rows if row.state in {"asked", "paying", "unknown"}]
    problems += [f"a label is {state} for ever (leg {leg})" for state, leg in open_ones]
    problems += [
        f"a void is {row.state} for ever" for row in rows if row.state in {"void_pending", "void_submitted"}
    ]
    return problems


async def _write_backs(world: World) -> list[str]:
    """What left is owed to the marketplace, and the marketplace has it."""
    problems = []
    owed = {row.subject: row.state for row in await world.look.obligations()}
    kits = {
        line.external_id for order in world.shop.orders.values() for line in order.lines if line.sku == "set"
    }
    for said in world.bus.log:
        event = said.event
        if event.TOPIC != "parcel.shipped" or event.merchant_id != world.merchant:
            continue
        part_of_kit = any(set(one.external_line_ids) & kits for one in event.contents)  # type: ignore[attr-defined]
        state = owed.get(str(event.parcel_id))  # type: ignore[attr-defined]
        if state is None and not part_of_kit:
            problems.append("a parcel left, and the marketplace is owed nothing")
        elif state not in {None, "confirmed"}:
            problems.append(f"a write-back is {state}")
    for order in world.shop.orders.values():
        problems += [
            f"the marketplace was told of too many units of {line.external_id}"
            for line in order.lines
            if world.shop.units_told[order.external_id, line.external_id] > line.quantity
        ]
    return problems


async def _messages(world: World) -> list[str]:
    """Each thing is said once, and each parcel that left is told of."""
    problems = [
        f"message {one} was taken {times} times" for one, times in world.mailbox.taken.items() if times > 1
    ]
    rows = await world.look.messages()
    said = Counter((row.template, row.subject) for row in rows)
    problems += [f"{what} was planned {times} times" for what, times in said.items() if times > 1]
    told = {row.subject for row in rows if row.template == "shipped"}
    left = {
        str(one.event.parcel_id)  # type: ignore[attr-defined]
        for one in world.bus.log
        if one.event.TOPIC == "parcel.shipped" and one.event.merchant_id == world.merchant
    }
    if told != left:
        problems.append(f"{len(left)} parcels left, {len(told)} are told of")
    waiting = [(row.template, row.state) for row in rows if row.state in {"waiting", "sending"}]
    return [*problems, *(f"message {template} is {state} for ever" for template, state in waiting)]


async def _leftovers(world: World) -> list[str]:
    problems = [
        f"{left} events are deferred for ever in {name}-service"
        for name, left in (await world.look.deferred()).items()
        if left
    ]
    return problems + [
        f"{one.service}: job {one.kind} is {one.state}: {one.last_error}"
        for one in await world.look.jobs()
        if one.state not in {"done", "refused"}
    ]


def versions(log: list[Said], merchant: str) -> list[str]:
    """Per publisher and key the versions are 1, 2, 3, ... in the order in which they were said."""
    said: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for one in log:
        if one.event.merchant_id == merchant:
            said[one.publisher, one.event.key].append(one.event.aggregate_version)
    return [
        f"{publisher} says versions {versions} of {key[-6:]}"
        for (publisher, key), versions in said.items()
        if versions != list(range(1, len(versions) + 1))
    ]


def _told(world: World) -> list[str]:
    lines = []
    for one in world.bus.log:
        event = one.event
        if event.merchant_id != world.merchant or event.TOPIC in {"stock.level_changed", "sku.changed"}:
            continue
        shown = event.model_dump(
            mode="json",
            include={
                "order_version",
                "allocation_ids",
                "pending_allocation_ids",
                "withdrawn_allocation_ids",
                "released_allocation_ids",
                "released_because",
                "request",
                "label_revision",
                "code",
                "complete",
                "allocations",
            },
        )
        if "allocations" in shown:
            shown["allocations"] = [
                f"{a['allocation_id'][-6:]} {a['units']} {a['sku']}" for a in shown["allocations"]
            ]
        for name in shown:
            if name.endswith("allocation_ids"):
                shown[name] = [id_[-6:] for id_ in shown[name]]
        state = getattr(getattr(event, "fulfilment", None), "state", "")
        lines.append(f"{event.key[-6:]} {event.TOPIC} v{event.aggregate_version} {state} {shown}")
    return lines
