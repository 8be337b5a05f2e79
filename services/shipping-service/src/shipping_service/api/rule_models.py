"""Rules as the API takes and gives them."""

from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shipping_service.api.models import Code, Country, Given, Grams, Service, TriedShown
from shipping_service.domain.rules import Choice, Conditions, Facts, Rule

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class ConditionsGiven(Given):
    """What is left out asks for nothing."""

    countries: frozenset[Country] = Field(default=frozenset(), max_length=250)
    warehouses: frozenset[Code] = Field(default=frozenset(), max_length=100)
    methods: frozenset[Service] = Field(default=frozenset(), max_length=50)
    cross_border: bool | None = None
    min_weight_g: Grams | None = None
    max_weight_g: Grams | None = None
    currency: Currency | None = None
    min_value: Decimal | None = Field(default=None, ge=0, max_digits=18, decimal_places=4)
    max_value: Decimal | None = Field(default=None, ge=0, max_digits=18, decimal_places=4)


class RuleGiven(Given):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "priority": 10,
                    "name": "Light parcels to Germany",
                    "conditions": {"countries": ["DE"], "max_weight_g": 2000},
                    "carrier": "easypost",
                    "service": "FirstClassPackageInternationalService",
                }
            ]
        }
    )

    priority: int = Field(ge=0, le=1_000_000, description="Tried from low to high.")
    name: str = Field(min_length=1, max_length=120)
    conditions: ConditionsGiven = ConditionsGiven()
    carrier: Code
    service: Service
    active: bool = True

    def to_rule(self, rule_id: UUID, merchant_id: str) -> Rule:
        """Raises UnusableRule when the conditions contradict each other."""
        return Rule(
            rule_id=rule_id,
            merchant_id=merchant_id,
            priority=self.priority,
            name=self.name,
            conditions=Conditions(**dict(self.conditions)),
            carrier=self.carrier,
            service=self.service,
            active=self.active,
        )


class RuleShown(BaseModel):
    rule_id: UUID
    priority: int
    name: str
    conditions: ConditionsGiven
    carrier: str
    service: str
    active: bool

    @classmethod
    def of(cls, rule: Rule) -> Self:
        conditions = {name: getattr(rule.conditions, name) for name in ConditionsGiven.model_fields}
        return cls(
            rule_id=rule.rule_id,
            priority=rule.priority,
            name=rule.name,
            conditions=ConditionsGiven(**conditions),
            carrier=rule.carrier,
            service=rule.service,
            active=rule.active,
        )


class RuleTrial(Given):
    """A shipment there is, or one that is only described."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"country": "DE", "warehouse": "SZX1", "cross_border": True, "weight_g": 380}]
        }
    )

    shipment_id: UUID | None = None
    country: Country | None = None
    warehouse: Code = "-"
    method: Service | None = None
    cross_border: bool = False
    weight_g: Grams = 1
    value: Decimal | None = Field(default=None, ge=0, max_digits=18, decimal_places=4)
    currency: Currency | None = None

    def to_facts(self) -> Facts:
        value = None if self.value is None or self.currency is None else (self.value, self.currency)
        return Facts(
            country=self.country,
            warehouse=self.warehouse,
            method=self.method,
            cross_border=self.cross_border,
            weight_g=self.weight_g,
            value=value,
        )


class RuleTrialResult(BaseModel):
    rule: RuleShown | None
    tried: list[TriedShown]

    @classmethod
    def of(cls, choice: Choice) -> Self:
        return cls(
            rule=None if choice.rule is None else RuleShown.of(choice.rule),
            tried=[TriedShown.of(one) for one in choice.tried],
        )
