"""Which carrier service a leg gets: the first rule that matches, and why the others did not."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID

from shipping_service.domain.errors import UnusableRule


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a rule asks for; an empty set and None ask for nothing. Weights include their bounds.

    Values compare only in `currency`. `methods` are the buyer's choice, compared without regard to case.
    """

    countries: Set[str] = frozenset()
    warehouses: Set[str] = frozenset()
    methods: Set[str] = frozenset()
    cross_border: bool | None = None
    min_weight_g: int | None = None
    max_weight_g: int | None = None
    currency: str | None = None
    min_value: Decimal | None = None
    max_value: Decimal | None = None

    def __post_init__(self) -> None:
        if (self.min_value is not None or self.max_value is not None) and self.currency is None:
            raise UnusableRule("value_without_currency")
        if _above(self.min_weight_g, self.max_weight_g) or _above(self.min_value, self.max_value):
            raise UnusableRule("empty_range")


@dataclass(frozen=True, slots=True)
class Rule:
    """Rules of a merchant are tried by rising `priority`, then by id."""

    rule_id: UUID
    merchant_id: str
    priority: int
    name: str
    conditions: Conditions
    carrier: str
    service: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules look at."""

    country: str | None
    warehouse: str
    method: str | None
    cross_border: bool
    weight_g: int
    value: tuple[Decimal, str] | None


@dataclass(frozen=True, slots=True)
class Tried:
    """One rule of the explanation. `because`: matched, the condition that did not hold, or what became of it
    when it was tried (`service_refused`, `carrier_unavailable`).
    """

    rule_id: UUID
    name: str
    because: str


@dataclass(frozen=True, slots=True)
class Choice:
    """`rule` None: none matched. `tried` ends with the rule that did."""

    rule: Rule | None
    tried: tuple[Tried, ...]


def choose(
    rules: Sequence[Rule],
    facts: Facts,
    carriers: Set[str],
    passed_over: Mapping[tuple[str, str | None], str] = MappingProxyType({}),
) -> Choice:
    """The first active rule that matches, with a connected carrier and a service that is not passed over."""
    tried: list[Tried] = []
    for rule in sorted(rules, key=lambda one: (one.priority, one.rule_id)):
        because = (
            _refusal(rule, facts, carriers)
            or passed_over.get((rule.carrier, None))
            or passed_over.get((rule.carrier, rule.service))
        )
        tried.append(Tried(rule.rule_id, rule.name, because or "matched"))
        if because is None:
            return Choice(rule, tuple(tried))
    return Choice(None, tuple(tried))


def _refusal(rule: Rule, facts: Facts, carriers: Set[str]) -> str | None:
    asked = rule.conditions
    held = {
        "inactive": rule.active,
        "carrier_not_connected": rule.carrier in carriers,
        "country": not asked.countries or facts.country in asked.countries,
        "warehouse": not asked.warehouses or facts.warehouse in asked.warehouses,
        "method": not asked.methods or _folded(facts.method) in {_folded(one) for one in asked.methods},
        "cross_border": asked.cross_border is None or asked.cross_border == facts.cross_border,
        "weight": not _above(asked.min_weight_g, facts.weight_g)
        and not _above(facts.weight_g, asked.max_weight_g),
        "value": _value_fits(asked, facts.value),
    }
    return next((name for name, holds in held.items() if not holds), None)


def _value_fits(asked: Conditions, value: tuple[Decimal, str] | None) -> bool:
    if asked.min_value is None and asked.max_value is None:
        return True
    if value is None or value[1] != asked.currency:
        return False
    return not _above(asked.min_value, value[0]) and not _above(value[0], asked.max_value)


def _above(low: int | Decimal | None, high: int | Decimal | None) -> bool:
    return low is not None and high is not None and low > high


def _folded(method: str | None) -> str:
    return (method or "").strip().casefold()
