"""An accepted order, as every contender beside Crossdock gets it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from crossdock_chassis.ids import new_id
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.world import ABROAD, AT_HOME, GOODS, PLACES, WAREHOUSES

from .orders import MIXED


@dataclass(frozen=True, slots=True)
class Line:
    """`external_id` is the shop's; every line is one unit of the goods of this bare name."""

    external_id: str
    sku: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An accepted order. `place` is one of the demo's, which has the address; the ids are text."""

    order_id: str
    external_id: str
    number: str
    place: str
    email: str
    lines: tuple[Line, ...]

    @classmethod
    def of(cls, run: Run, number: int, order_id: str | None = None) -> Self:
        """The order of that number. Without an id it is a new one."""
        case = MIXED.case(number)
        return cls(
            order_id=order_id or str(new_id()),
            external_id=str(run.order_id(case)),
            number=run.order_number(case),
            place=case.place,
            email=run.email(case),
            lines=tuple(Line(str(line_id), sku, name) for line_id, sku, name in MIXED.lines(run, case)),
        )

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """What `dataclasses.asdict` and JSON have made of one."""
        return cls(**{**given, "lines": tuple(Line(**line) for line in given["lines"])})

    @property
    def warehouse(self) -> str:
        """Where all of it lies."""
        return GOODS[self.lines[0].name].warehouse

    @property
    def is_abroad(self) -> bool:
        return bool(WAREHOUSES[self.warehouse]["country"] != PLACES[self.place].country)

    @property
    def service(self) -> str:
        """The carrier's service, by the demo's rules."""
        return ABROAD if self.is_abroad else AT_HOME

    @property
    def weight_g(self) -> int:
        return sum(GOODS[line.name].weight_g for line in self.lines)
