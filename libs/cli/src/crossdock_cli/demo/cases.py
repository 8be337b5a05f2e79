"""An order of the demo: what is bought, what happens to it, and how it must end."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from crossdock_cli.demo.steps import Deliver, Person, Step
from crossdock_cli.demo.world import GOODS, NEW_STREET, PLACES, components_of

SHOPIFY = "shopify"
CLOSED, CANCELLED, ABSENT = "closed", "cancelled", "absent"
#: Templates of mails.
ONE_CONFIRMED, ONE_SHIPPED, ONE_CANCELLED = "order_confirmed", "shipped", "cancelled"
FIRST_NUMBER = 1001


@dataclass(frozen=True, slots=True)
class Sold:
    """A line as the marketplace knows it: a bare SKU or kit name."""

    name: str
    units: int


@dataclass(frozen=True, slots=True)
class Expected:
    """How an order must end. `mails`: template to number; `exception`: a code a person must find."""

    status: str
    parcels: int
    shipped: Mapping[str, int] = field(default_factory=dict)  # our units by bare SKU
    mails: Mapping[str, int] = field(default_factory=dict)
    exception: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One order of the demo. `title` None: an ordinary one."""

    number: int
    place: str
    lines: tuple[Sold, ...]
    steps: tuple[Step, ...]
    expected: Expected
    title: str | None = None
    paid: bool = True
    street: str | None = None
    platform: str = SHOPIFY

    @property
    def is_ordinary(self) -> bool:
        return self.title is None

    @property
    def wanted(self) -> Counter[str]:
        """Our units by bare SKU, kits and unknown names taken apart."""
        return units_of(self.lines)

    @property
    def last_street(self) -> str:
        """Where the parcels must go in the end."""
        street = self.street or PLACES[self.place].street
        for step in self.steps:
            if isinstance(step, Deliver) and step.change == "address":
                street = NEW_STREET["address1"]
            if isinstance(step, Person) and step.command == "consignee":
                street = step.body["consignee"]["lines"][0]
        return street


def units_of(lines: Sequence[Sold]) -> Counter[str]:
    units: Counter[str] = Counter()
    for line in lines:
        for sku, per_unit in components_of(line.name).items():
            units[sku] += per_unit * line.units
    return units


def ships(lines: Sequence[Sold], *, parcels: int | None = None) -> Expected:
    """Everything leaves: a parcel per warehouse, unless said otherwise."""
    units = units_of(lines)
    warehouses = {GOODS[sku].warehouse for sku in units}
    count = len(warehouses) if parcels is None else parcels
    return Expected(CLOSED, count, units, {ONE_CONFIRMED: 1, ONE_SHIPPED: count})


def stops() -> Expected:
    """Nothing leaves, and the buyer, who had a confirmation, is told."""
    return Expected(CANCELLED, 0, {}, {ONE_CONFIRMED: 1, ONE_CANCELLED: 1})


def unmailed(case: Case) -> Case:
    """The same order of a buyer who cannot be written to."""
    return replace(case, expected=replace(case.expected, mails={}))
