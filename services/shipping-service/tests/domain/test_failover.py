"""Where a label goes when its carrier says no or not now: every remedy, and what keeps it there."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from shipping_service.domain import failover
from shipping_service.domain.consignment import Address
from shipping_service.domain.customs import Packed, SkuFacts
from shipping_service.domain.dispatch import Dispatch, Item, Leg, Origin, Terms
from shipping_service.domain.effects import AskBuy, Rejected
from shipping_service.domain.label import Label, LabelState
from shipping_service.domain.labelling import advance, lost, paying
from shipping_service.domain.leg_table import LegState
from shipping_service.domain.order import Line, OrderState, Snapshot
from shipping_service.domain.refusal import Refusal, Remedy
from shipping_service.domain.rules import Conditions, Rule

from ..samples import NOON

NEVER, AT_ONCE = timedelta(days=1), timedelta(0)
LINE = uuid4()


def a_rule(priority: int, carrier: str, service: str) -> Rule:
    return Rule(
        UUID(int=priority), "default", priority, f"{carrier} {service}", Conditions(), carrier, service
    )


FIRST, SECOND, OTHER = a_rule(1, "a", "fast"), a_rule(2, "a", "slow"), a_rule(3, "b", "fast")


class Asked:
    """A leg whose label was just asked for by the first rule."""

    def __init__(self, *rules: Rule) -> None:
        self.terms = Terms(NOON, rules, {"a": True, "b": True})
        line = Line(Decimal(10), "EUR", ("1",))
        snapshot = Snapshot(
            version=1,
            label_revision=1,
            state=OrderState.OPEN,
            from_marketplace=False,
            country="DE",
            has_address=True,
            shipping_method=None,
            incoterm=None,
            order_number="1",
            lines={LINE: line},
        )
        packed = Packed(uuid4(), "mug", 1, SkuFacts("Mug", weight_g=300), Decimal(10), "EUR")
        origin = Origin("BER", Address(None, ("Dock 1",), "Potsdam", "DE"), hands_over_itself=False)
        self.leg = Leg(uuid4(), uuid4(), origin, 1, 1, NOON, items=[Item(packed, LINE, ("1",))])
        self.dispatch = Dispatch(uuid4(), "default", snapshot, legs=[self.leg])
        advance(self.dispatch, self.leg, self.terms)

    @property
    def label(self) -> Label:
        return self.leg.labels[0]

    @property
    def now_asked(self) -> str:
        label = self.leg.label
        return "nobody" if label is None else f"{label.carrier} {label.service}"

    def refuse(self, remedy: Remedy, code: str = "4711") -> None:
        label = self.leg.label
        assert label is not None
        failover.rejected(self.dispatch, self.leg, label, Refusal(code, None, remedy), self.terms)

    def put_off(self, remedy: Remedy = Remedy.TRY_LATER, after: timedelta = AT_ONCE) -> None:
        label = self.leg.label
        assert label is not None
        refusal = Refusal("busy", None, remedy)
        failover.put_off(self.dispatch, self.leg, label, refusal, self.terms, after)


def test_a_refused_service_gives_way_to_the_next_and_says_why() -> None:
    asked = Asked(FIRST, SECOND, OTHER)

    asked.refuse(Remedy.CHOOSE_ANOTHER_SERVICE)

    assert asked.now_asked == "a slow"
    assert (asked.label.state, asked.label.refusal_code) == (LabelState.REJECTED, "4711")
    assert [one.because for one in asked.leg.tried] == ["service_refused", "matched"]
    assert not any(isinstance(one, Rejected) for one in asked.dispatch.effects)
    assert len([one for one in asked.dispatch.effects if isinstance(one, AskBuy)]) == 2


def test_every_service_is_tried_once_and_then_a_person_is_asked() -> None:
    asked = Asked(FIRST, SECOND, OTHER)

    for code in ("1", "2", "3"):
        asked.refuse(Remedy.CHOOSE_ANOTHER_SERVICE, code)

    assert [f"{one.carrier} {one.service}" for one in asked.leg.labels] == ["a fast", "a slow", "b fast"]
    assert asked.leg.state is LegState.NEEDS_REPAIR
    assert (asked.leg.trouble_code, asked.leg.trouble_remedy) == ("3", Remedy.CHOOSE_ANOTHER_SERVICE)


@pytest.mark.parametrize("remedy", [Remedy.FIX_ADDRESS, Remedy.FIX_CUSTOMS, Remedy.UNTRANSLATED])
def test_what_every_carrier_would_refuse_or_nobody_understands_asks_a_person(remedy: Remedy) -> None:
    asked = Asked(FIRST, OTHER)

    asked.refuse(remedy)

    assert asked.leg.state is LegState.NEEDS_REPAIR
    assert (asked.now_asked, asked.leg.trouble_remedy) == ("nobody", remedy)


def test_a_carrier_that_is_down_is_left_with_all_its_services() -> None:
    asked = Asked(FIRST, SECOND, OTHER)

    asked.put_off()

    assert asked.now_asked == "b fast"
    assert asked.label.state is LabelState.DROPPED
    assert [one.because for one in asked.leg.tried] == ["carrier_unavailable"] * 2 + ["matched"]


def test_a_carrier_is_not_left_before_its_time_nor_for_nobody() -> None:
    early, alone = Asked(FIRST, OTHER), Asked(FIRST, SECOND)

    early.put_off(after=NEVER)
    alone.put_off()

    assert (early.now_asked, early.label.put_off_at) == ("a fast", NOON)
    assert (alone.now_asked, alone.leg.state) == ("a fast", LegState.BUYING)


def test_the_time_counts_from_the_first_time_it_was_put_off() -> None:
    asked = Asked(FIRST, OTHER)
    asked.put_off(after=timedelta(minutes=15))

    asked.terms = replace(asked.terms, now=NOON + timedelta(minutes=15))
    asked.put_off(after=timedelta(minutes=15))

    assert asked.now_asked == "b fast"


def test_an_account_that_is_refused_is_mended_and_not_left() -> None:
    asked = Asked(FIRST, OTHER)

    asked.put_off(Remedy.FIX_ACCOUNT)

    assert (asked.now_asked, asked.label.remedy) == ("a fast", Remedy.FIX_ACCOUNT)


def test_a_purchase_that_was_not_sent_is_certainly_not_paid() -> None:
    asked = Asked(FIRST, OTHER)
    paying(asked.label, "shp_1")

    asked.put_off()

    assert (asked.label.state, asked.now_asked) == (LabelState.DROPPED, "b fast")


@pytest.mark.parametrize(
    "end", [lambda asked: asked.put_off(), lambda asked: asked.refuse(Remedy.CHOOSE_ANOTHER_SERVICE)]
)
def test_after_a_lost_answer_nobody_else_is_asked(end: Callable[[Asked], None]) -> None:
    asked = Asked(FIRST, OTHER)
    paying(asked.label, "shp_1")
    lost(asked.dispatch, asked.leg, asked.label, asked.terms)

    end(asked)

    assert len(asked.leg.labels) == 1
    assert asked.leg.state in (LegState.OUTCOME_UNKNOWN, LegState.NEEDS_REPAIR)


def test_a_lost_answer_is_remembered_when_it_was_found_not_bought() -> None:
    asked = Asked(FIRST, OTHER)
    asked.label.lost_at = NOON

    asked.refuse(Remedy.CHOOSE_ANOTHER_SERVICE)

    assert asked.leg.state is LegState.NEEDS_REPAIR


def test_what_a_person_chose_is_not_left() -> None:
    asked = Asked(FIRST, OTHER)
    asked.leg.repaired_carrier, asked.leg.repaired_service = "a", "fast"

    asked.refuse(Remedy.CHOOSE_ANOTHER_SERVICE)

    assert asked.leg.state is LegState.NEEDS_REPAIR


def test_a_changed_plan_asks_everybody_again() -> None:
    asked = Asked(FIRST, OTHER)
    asked.refuse(Remedy.CHOOSE_ANOTHER_SERVICE)

    asked.leg.plan_revision += 1

    assert asked.leg.passed_over == {}


def test_a_carrier_that_is_known_to_be_down_loses_only_what_is_not_being_paid() -> None:
    waiting, being_paid = Asked(FIRST, OTHER), Asked(FIRST, OTHER)
    paying(being_paid.label, "shp_1")

    for one in (waiting, being_paid):
        failover.leave(one.dispatch, one.leg, one.label, one.terms)

    assert (waiting.now_asked, being_paid.now_asked) == ("b fast", "a fast")
