from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from shipping_service.domain.errors import UnusableRule
from shipping_service.domain.rules import Conditions, Facts, Rule, choose

FACTS = Facts("DE", "BER", " standard ", False, 500, (Decimal("20.00"), "EUR"))
CARRIERS = {"easypost"}
ANYTHING = Conditions()


def a_rule(
    conditions: Conditions = ANYTHING,
    *,
    priority: int = 1,
    carrier: str = "easypost",
    active: bool = True,
    rule_id: UUID | None = None,
) -> Rule:
    return Rule(
        rule_id or uuid4(), "default", priority, f"rule {priority}", conditions, carrier, "USPS:First", active
    )


@pytest.mark.parametrize(
    ("conditions", "because"),
    [
        (Conditions(countries={"FR"}), "country"),
        (Conditions(warehouses={"POZ"}), "warehouse"),
        (Conditions(methods={"Express"}), "method"),
        (Conditions(cross_border=True), "cross_border"),
        (Conditions(min_weight_g=501), "weight"),
        (Conditions(max_weight_g=499), "weight"),
        (Conditions(currency="EUR", min_value=Decimal("20.01")), "value"),
        (Conditions(currency="EUR", max_value=Decimal("19.99")), "value"),
        (Conditions(currency="USD", max_value=Decimal(1000)), "value"),
    ],
)
def test_a_rule_that_does_not_match_says_which_condition(conditions: Conditions, because: str) -> None:
    choice = choose([a_rule(conditions)], FACTS, CARRIERS)

    assert (choice.rule, [one.because for one in choice.tried]) == (None, [because])


def test_bounds_belong_to_their_range_and_methods_are_compared_without_case() -> None:
    rule = a_rule(
        Conditions(
            countries={"DE"},
            warehouses={"BER"},
            methods={"STANDARD"},
            cross_border=False,
            min_weight_g=500,
            max_weight_g=500,
            currency="EUR",
            min_value=Decimal(20),
            max_value=Decimal(20),
        )
    )

    assert choose([rule], FACTS, CARRIERS).rule is rule


def test_the_first_rule_by_priority_wins_and_the_explanation_ends_there() -> None:
    second, first, third = (
        a_rule(priority=20),
        a_rule(Conditions(countries={"FR"}), priority=10),
        a_rule(priority=30),
    )

    choice = choose([third, second, first], FACTS, CARRIERS)

    assert choice.rule is second
    assert [(one.name, one.because) for one in choice.tried] == [
        ("rule 10", "country"),
        ("rule 20", "matched"),
    ]


def test_rules_of_one_priority_are_tried_by_their_ids() -> None:
    first, second = a_rule(rule_id=UUID(int=1)), a_rule(rule_id=UUID(int=2))

    assert choose([second, first], FACTS, CARRIERS).rule is first


def test_an_inactive_rule_and_one_for_a_carrier_that_is_not_connected_are_passed_over() -> None:
    choice = choose([a_rule(active=False), a_rule(carrier="other", priority=2)], FACTS, CARRIERS)

    assert [one.because for one in choice.tried] == ["inactive", "carrier_not_connected"]


@pytest.mark.parametrize(
    "asked",
    [
        {"min_weight_g": 2, "max_weight_g": 1},
        {"max_value": Decimal(1)},
        {"currency": "EUR", "min_value": Decimal(2), "max_value": Decimal(1)},
    ],
)
def test_conditions_that_contradict_themselves_are_refused(asked: dict[str, object]) -> None:
    with pytest.raises(UnusableRule):
        Conditions(**asked)  # type: ignore[arg-type]  # whatever the test says
