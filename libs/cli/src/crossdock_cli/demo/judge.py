"""Compares what must have come of a run with what everybody's books say. Pure: no clock, no network."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from crossdock_cli.demo.books import Books, OrderSeen
from crossdock_cli.demo.cases import ABSENT, Case
from crossdock_cli.demo.scenario import Scenario
from crossdock_cli.demo.world import components_of
from crossdock_cli.stack.services import SERVICES

NOTHING = OrderSeen(ABSENT)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. It holds when both sides are the same words."""

    what: str
    expected: str
    seen: str
    ordinary: bool = False

    @property
    def holds(self) -> bool:
        return self.expected == self.seen


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every order, special cases first, and every balance. `issued`: who has issued how many live labels."""

    orders: tuple[Row, ...]
    balances: tuple[Row, ...]
    issued: Mapping[str, int]

    @property
    def holds(self) -> bool:
        return all(row.holds for row in (*self.orders, *self.balances))


def judge(scenario: Scenario, books: Books, *, unreadable: Iterable[str]) -> Verdict:
    """`unreadable`: webhook ids that had to be kept as unreadable."""
    return Verdict(
        orders=tuple(_order(case, books) for case in scenario.cases),
        balances=(
            *_ends(scenario, books),
            *_stock(scenario, books),
            *_shown(books),
            _labels(scenario, books),
            _addresses(scenario, books),
            _mailbox(scenario, books),
            _marketplace(scenario, books),
            Row("unreadable webhooks kept", *_both(sorted(unreadable), sorted(books.unreadable))),
            *_work(books),
        ),
        issued=Counter(label.issuer for labels in books.live_labels.values() for label in labels),
    )


# -- one order


def _order(case: Case, books: Books) -> Row:
    expected = case.expected
    seen = books.orders.get(case.number, NOTHING)
    said = _without_zeros(books.said.get(case.number, {}))
    exceptions = () if expected.exception is None else (expected.exception,)
    return Row(
        case.title or f"order {case.number}",
        _words(expected.status, expected.parcels, expected.shipped, expected.mails, exceptions),
        _words(
            seen.status,
            len(seen.tracking),
            shipped_by_sku(case, books),
            said,
            [one for one in exceptions if one in seen.exceptions],
        ),
        case.is_ordinary,
    )


def _words(
    status: str,
    parcels: int,
    shipped: Mapping[str, int],
    mails: Mapping[str, int],
    exceptions: Sequence[str],
) -> str:
    parts = [status]
    if parcels:
        units = " ".join(f"{units} {sku}" for sku, units in sorted(shipped.items()) if units)
        parts.append(f"{parcels} parcel{'s' if parcels > 1 else ''} ({units})")
    if mails:
        parts.append("mails: " + " ".join(f"{count} {name}" for name, count in sorted(mails.items())))
    parts += exceptions
    return ", ".join(parts)


def shipped_by_sku(case: Case, books: Books) -> Counter[str]:
    """Our units by bare SKU that the marketplace was told of, kits taken apart."""
    shipped: Counter[str] = Counter()
    for fulfilment in books.fulfilments.get(case.number, ()):
        for name, units in fulfilment.units.items():
            for sku, per_unit in components_of(name).items():
                shipped[sku] += per_unit * units
    return shipped


# -- balances


def _ends(scenario: Scenario, books: Books) -> list[Row]:
    expected = Counter(case.expected.status for case in scenario.cases if case.expected.status != ABSENT)
    seen = Counter(order.status for order in books.orders.values())
    return [
        Row("orders at their ends", _counts(expected), _counts(seen)),
        Row("orders nobody placed", "0", str(books.strange_orders)),
    ]


def _stock(scenario: Scenario, books: Books) -> list[Row]:
    """What is there and what has left is what came in; nothing is promised any more, nothing is missing."""
    shipped: Counter[str] = Counter()
    for case in scenario.cases:
        shipped.update(shipped_by_sku(case, books))
    rows = []
    for sku, received in sorted(scenario.received.items()):
        level = books.levels.get(sku)
        seen = (
            "no level" if level is None else _level(level.on_hand + shipped[sku], level.reserved, level.short)
        )
        rows.append(Row(f"{sku}: on hand + shipped = received", _level(received, 0, 0), seen))
    return rows


def _shown(books: Books) -> list[Row]:
    """Every marketplace shows as many of a thing as could be sold of it."""
    rows = []
    for platform, stock in sorted(books.shown.items()):
        right = sum(units == _sellable(name, books) for name, units in stock.items())
        expected = f"{len(stock)} of {len(stock)}"
        rows.append(Row(f"{platform}: stock as there is", expected, f"{right} of {len(stock)}"))
    return rows


def _sellable(name: str, books: Books) -> int:
    """Of a kit as many as its scarcest part makes."""
    levels = {sku: books.levels.get(sku) for sku in components_of(name)}
    free = {sku: 0 if one is None else one.on_hand - one.reserved for sku, one in levels.items()}
    return max(0, min(free[sku] // per_unit for sku, per_unit in components_of(name).items()))


def _level(units: int, reserved: int, short: int) -> str:
    return f"{units}, {reserved} reserved, {short} short"


def _labels(scenario: Scenario, books: Books) -> Row:
    """In the books of whoever issued it each parcel that left has one live label, and there is no other."""
    parcels = sum(case.expected.parcels for case in scenario.cases)
    live = [label.tracking for labels in books.live_labels.values() for label in labels]
    left = {number for order in books.orders.values() for number in order.tracking}
    return Row(
        "one live label per parcel",
        f"{parcels} labels, 0 twice, 0 for nothing, 0 missing",
        f"{len(live)} labels, {len(live) - len(set(live))} twice, "
        f"{len(set(live) - left) + books.strange_labels} for nothing, "
        f"{len(left - set(live))} missing",
    )


def _addresses(scenario: Scenario, books: Books) -> Row:
    """No live label goes to an address that the buyer has corrected."""
    streets = {case.number: case.last_street for case in scenario.cases}
    elsewhere = sum(
        label.street not in (None, streets[number])
        for number, labels in books.live_labels.items()
        for label in labels
    )
    return Row("labels that go to another address than the last", "0", str(elsewhere))


def _mailbox(scenario: Scenario, books: Books) -> Row:
    """As many mails as there are things to say, each said once."""
    expected = sum(sum(case.expected.mails.values()) for case in scenario.cases)
    wrong = sum(
        len(books.mails.get(case.number, ())) != sum(case.expected.mails.values()) for case in scenario.cases
    )
    mails = [message_id for ids in books.mails.values() for message_id in ids]
    return Row(
        "one mail per thing to say in the mailbox",
        f"{expected} mails, 0 twice, 0 buyers with too many or too few",
        f"{len(mails)} mails, {len(mails) - len(set(mails))} twice, {wrong} buyers with too many or too few",
    )


def _marketplace(scenario: Scenario, books: Books) -> Row:
    """In the marketplace's own books each parcel that left is a fulfilment, with its number and units."""
    orders = [case for case in scenario.cases if case.expected.parcels]
    confirmed = 0
    for case in orders:
        fulfilments = books.fulfilments.get(case.number, ())
        numbers = sorted(number for one in fulfilments for number in one.numbers)
        seen = books.orders.get(case.number, NOTHING)
        units = _without_zeros(shipped_by_sku(case, books))
        if numbers == list(seen.tracking) and units == _without_zeros(case.expected.shipped):
            confirmed += 1
    uninvited = sum(
        bool(books.fulfilments.get(case.number)) for case in scenario.cases if not case.expected.parcels
    )
    return Row(
        "shipped orders confirmed by the marketplace",
        f"{len(orders)} of {len(orders)}, 0 that were not shipped",
        f"{confirmed} of {len(orders)}, {uninvited} that were not shipped",
    )


def _work(books: Books) -> list[Row]:
    """Nothing waits in any service."""
    rows = []
    for service in SERVICES:
        work = books.work.get(service)
        seen = (
            "no word from it"
            if work is None
            else _waiting(work.outbox, work.jobs, work.parked, work.lagging_topics)
        )
        rows.append(Row(f"{service}: nothing waits", _waiting(0, 0, 0, 0), seen))
    return rows


def _waiting(outbox: int, jobs: int, parked: int, lagging: int) -> str:
    return f"outbox {outbox}, jobs {jobs}, parked {parked}, topics behind {lagging}"


def _counts(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counted.items()) if count) or "none"


def _both(expected: Sequence[str], seen: Sequence[str]) -> tuple[str, str]:
    return f"{len(expected)}", f"{len(seen)}" if list(expected) == list(seen) else f"{len(seen)}, others"


def _without_zeros(counted: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counted.items() if count}


def is_through(case: Case, status: str | None) -> bool:
    """Whether an order's status is the one it must end with; a quick look before the whole judgement."""
    return (status or ABSENT) == case.expected.status
