"""Books that are right are found right, and each balance goes red when its books are doctored."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from crossdock_cli.demo.books import Books, Fulfilment, Level, LiveLabel, OrderSeen, Work
from crossdock_cli.demo.cases import ABSENT, Case
from crossdock_cli.demo.driver import unreadable_webhooks
from crossdock_cli.demo.judge import Row, Verdict, judge
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.show import compact
from crossdock_cli.demo.world import KITS, PLACES
from crossdock_cli.stack.services import SERVICES

RUN = Run("abcde", 40, 3)
CASES = RUN.scenario.cases
UNREADABLE = unreadable_webhooks(RUN, CASES)
ORDINARY = next(case for case in CASES if case.is_ordinary and case.expected.parcels == 1)
IDLE = Work(outbox=0, jobs=0, parked=0, lagging_topics=0)


def tracking(case: Case) -> tuple[str, ...]:
    return tuple(f"T{case.number}-{n}" for n in range(case.expected.parcels))


def labels(case: Case) -> list[LiveLabel]:
    return [LiveLabel(number, case.last_street, "easypost") for number in tracking(case)]


def fulfilments(case: Case) -> list[Fulfilment]:
    """The first parcel holds everything: the judge looks at sums."""
    if not case.expected.parcels:
        return []
    units: Counter[str] = Counter()
    for line in case.lines:
        units[line.name] += line.units
    first, *rest = tracking(case)
    return [Fulfilment((first,), units), *(Fulfilment((number,), {}) for number in rest)]


def mails(case: Case) -> list[str]:
    return [f"<{case.number}-{n}@shop>" for n in range(sum(case.expected.mails.values()))]


def spare(sku: str, shipped: Mapping[str, int]) -> int:
    return RUN.scenario.received[sku] - shipped.get(sku, 0)


def kits_of(name: str, shipped: Mapping[str, int]) -> int:
    return min(spare(sku, shipped) // units for sku, units in KITS[name].items())


def right_books() -> Books:
    scenario = RUN.scenario
    shipped: dict[str, int] = {}
    for case in CASES:
        for sku, units in case.expected.shipped.items():
            shipped[sku] = shipped.get(sku, 0) + units
    return Books(
        orders={
            case.number: OrderSeen(
                case.expected.status,
                tracking(case),
                frozenset({case.expected.exception} if case.expected.exception else ()),
            )
            for case in CASES
            if case.expected.status != ABSENT
        },
        live_labels={case.number: labels(case) for case in CASES if case.expected.parcels},
        fulfilments={case.number: fulfilments(case) for case in CASES},
        mails={case.number: mails(case) for case in CASES},
        said={case.number: dict(case.expected.mails) for case in CASES},
        levels={sku: Level(units - shipped.get(sku, 0), 0, 0) for sku, units in scenario.received.items()},
        shown={"ebay": {"MUG": spare("MUG", shipped), "DESKSET": kits_of("DESKSET", shipped)}},
        unreadable=frozenset(UNREADABLE),
        work=dict.fromkeys(SERVICES, IDLE),
    )


def verdict_on(books: Books) -> Verdict:
    return judge(RUN.scenario, books, unreadable=UNREADABLE)


def red(verdict: Verdict) -> set[str]:
    """What differs, by name."""
    rows: tuple[Row, ...] = (*verdict.orders, *verdict.balances)
    return {row.what for row in rows if not row.holds}


def but(of: Mapping[int, Any], value: Any) -> dict[int, Any]:
    """The same with another value for the ordinary order."""
    return {**of, ORDINARY.number: value}


def test_right_books_hold() -> None:
    verdict = verdict_on(right_books())

    assert red(verdict) == set()
    assert verdict.holds
    assert verdict.issued == {"easypost": sum(case.expected.parcels for case in CASES)}


def _lost(books: Books) -> Books:
    orders = {number: seen for number, seen in books.orders.items() if number != ORDINARY.number}
    return replace(books, orders=orders)


def _stuck(books: Books) -> Books:
    return replace(books, orders=but(books.orders, OrderSeen("open", tracking(ORDINARY))))


def _strange(books: Books) -> Books:
    return replace(books, strange_orders=1)


def _unit_gone(books: Books) -> Books:
    mug = books.levels["MUG"]
    return replace(books, levels={**books.levels, "MUG": replace(mug, on_hand=mug.on_hand - 1)})


def _unit_promised(books: Books) -> Books:
    return replace(books, levels={**books.levels, "MUG": replace(books.levels["MUG"], reserved=1)})


def _unit_short(books: Books) -> Books:
    return replace(books, levels={**books.levels, "MUG": replace(books.levels["MUG"], short=1)})


def _second_label(books: Books) -> Books:
    two = [*labels(ORDINARY), LiveLabel("T-second", ORDINARY.last_street, "ups")]
    return replace(books, live_labels=but(books.live_labels, two))


def _label_of_no_shipment(books: Books) -> Books:
    return replace(books, strange_labels=1)


def _more_shown_than_there_is(books: Books) -> Books:
    shown = {**books.shown["ebay"], "MUG": books.levels["MUG"].on_hand + 1}
    return replace(books, shown={"ebay": shown})


def _nothing_shown(books: Books) -> Books:
    return replace(books, shown={"ebay": {**books.shown["ebay"], "DESKSET": None}})


def _old_address(books: Books) -> Books:
    moved = next(case for case in CASES if case.title == "a new address after the label")
    old = [replace(label, street=PLACES[moved.place].street) for label in labels(moved)]
    return replace(books, live_labels={**books.live_labels, moved.number: old})


def _no_label(books: Books) -> Books:
    return replace(books, live_labels=but(books.live_labels, []))


def _label_twice(books: Books) -> Books:
    other = next(number for number in books.live_labels if number != ORDINARY.number)
    return replace(books, live_labels={**books.live_labels, other: labels(ORDINARY)})


def _mail_twice(books: Books) -> Books:
    ids = books.mails[ORDINARY.number]
    return replace(books, mails=but(books.mails, [ids[0], *ids]))


def _mail_missing(books: Books) -> Books:
    return replace(books, mails=but(books.mails, books.mails[ORDINARY.number][1:]))


def _mail_to_somebody_else(books: Books) -> Books:
    """As many mails as there must be, but one buyer has another's."""
    other = next(case.number for case in CASES if case.is_ordinary and case != ORDINARY)
    first, *rest = books.mails[ORDINARY.number]
    return replace(books, mails={**books.mails, ORDINARY.number: rest, other: [*books.mails[other], first]})


def _said_otherwise(books: Books) -> Books:
    return replace(books, said=but(books.said, {"order_confirmed": 2}))


def _not_confirmed(books: Books) -> Books:
    return replace(books, fulfilments=but(books.fulfilments, []))


def _confirmed_otherwise(books: Books) -> Books:
    units = books.fulfilments[ORDINARY.number][0].units
    return replace(books, fulfilments=but(books.fulfilments, [Fulfilment(("T-other",), units)]))


def _too_few_units(books: Books) -> Books:
    units = {line: units - 1 for line, units in books.fulfilments[ORDINARY.number][0].units.items()}
    wrong = [Fulfilment(tracking(ORDINARY), units)]
    return replace(books, fulfilments=but(books.fulfilments, wrong))


def _uninvited(books: Books) -> Books:
    cancelled = next(case for case in CASES if case.title == "cancelled after the label")
    wrong = [Fulfilment(("T-x",), {})]
    return replace(books, fulfilments={**books.fulfilments, cancelled.number: wrong})


def _not_kept(books: Books) -> Books:
    return replace(books, unreadable=frozenset())


def _kept_another(books: Books) -> Books:
    return replace(books, unreadable=frozenset({"another"}))


def _no_exception(books: Books) -> Books:
    late = next(case for case in CASES if case.expected.exception)
    seen = replace(books.orders[late.number], exceptions=frozenset())
    return replace(books, orders={**books.orders, late.number: seen})


def _waiting(**what: int) -> Callable[[Books], Books]:
    def doctor(books: Books) -> Books:
        return replace(books, work={**books.work, "shipping": replace(IDLE, **what)})

    return doctor


ENDS, LABELS = "orders at their ends", "one live label per parcel"
MAILS, SHOP = "one mail per thing to say in the mailbox", "shipped orders confirmed by the marketplace"
MUGS, KEPT = "MUG: on hand + shipped = received", "unreadable webhooks kept"


@pytest.mark.parametrize(
    ("doctor", "found"),
    [
        (_lost, ENDS),
        (_stuck, ENDS),
        (_strange, "orders nobody placed"),
        (_unit_gone, MUGS),
        (_unit_promised, MUGS),
        (_unit_short, MUGS),
        (_second_label, LABELS),
        (_no_label, LABELS),
        (_old_address, "labels that go to another address than the last"),
        (_label_twice, LABELS),
        (_label_of_no_shipment, LABELS),
        (_more_shown_than_there_is, "ebay: stock as there is"),
        (_nothing_shown, "ebay: stock as there is"),
        (_mail_twice, MAILS),
        (_mail_missing, MAILS),
        (_mail_to_somebody_else, MAILS),
        (_said_otherwise, f"order {ORDINARY.number}"),
        (_not_confirmed, SHOP),
        (_confirmed_otherwise, SHOP),
        (_too_few_units, SHOP),
        (_uninvited, SHOP),
        (_not_kept, KEPT),
        (_kept_another, KEPT),
        (_no_exception, "cancelled after the hand-over: too late"),
        (_waiting(outbox=1), "shipping: nothing waits"),
        (_waiting(jobs=1), "shipping: nothing waits"),
        (_waiting(parked=1), "shipping: nothing waits"),
        (_waiting(lagging_topics=1), "shipping: nothing waits"),
    ],
)
def test_doctored_books_are_found_out(doctor: Callable[[Books], Books], found: str) -> None:
    verdict = verdict_on(doctor(right_books()))

    assert found in red(verdict)
    assert not verdict.holds


def test_ordinary_orders_are_one_line_and_the_one_that_differs_another() -> None:
    verdict = verdict_on(_stuck(right_books()))

    *special, summary, differing = compact(verdict.orders)
    assert len(verdict.orders) == 40
    assert len(special) == 16
    assert (summary.expected, summary.seen) == ("24 as expected", "23 as expected")
    assert differing.what == f"order {ORDINARY.number}"
    assert differing.expected.startswith("closed, ")
    assert differing.seen.startswith("open, ")


def test_a_service_that_said_nothing_is_no_service_that_is_through() -> None:
    books = replace(right_books(), work={})

    assert "order: nothing waits" in red(verdict_on(books))
