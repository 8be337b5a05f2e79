"""The orders of a demo, what happens to each, and what must come of it: computed from the input alone."""

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from crossdock_cli.demo.steps import (
    Buy,
    CarrierSlow,
    Change,
    Deliver,
    HandOver,
    MapSku,
    Person,
    Receive,
    Step,
    Until,
)
from crossdock_cli.demo.world import (
    GOODS,
    KITS,
    NEW_STREET,
    PLACES,
    REFUSED_STREET,
    UNKNOWN_IS,
    UNKNOWN_NAME,
    components_of,
)

SHOPIFY = "shopify"
CLOSED, CANCELLED, ABSENT = "closed", "cancelled", "absent"
#: Units of ordinary goods that lie around beyond what is ordered.
SPARE_UNITS = 5
FIRST_NUMBER = 1001
TWICE_EVERY = 10


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


@dataclass(frozen=True, slots=True)
class Scenario:
    """`stock` is received before the first order; what the cases receive comes on top."""

    cases: tuple[Case, ...]
    stock: Mapping[str, int]

    @property
    def received(self) -> Counter[str]:
        """All units that arrive during the demo, by bare SKU."""
        total = Counter(self.stock)
        for case in self.cases:
            for step in case.steps:
                if isinstance(step, Receive):
                    total.update(step.units)
        return total


def units_of(lines: Sequence[Sold]) -> Counter[str]:
    units: Counter[str] = Counter()
    for line in lines:
        for sku, per_unit in components_of(line.name).items():
            units[sku] += per_unit * line.units
    return units


# -- ends

ONE_CONFIRMED, ONE_SHIPPED, ONE_CANCELLED = "order_confirmed", "shipped", "cancelled"


def _ships(lines: Sequence[Sold], *, parcels: int | None = None) -> Expected:
    """Everything leaves: a parcel per warehouse, unless said otherwise."""
    units = units_of(lines)
    warehouses = {GOODS[sku].warehouse for sku in units}
    count = len(warehouses) if parcels is None else parcels
    return Expected(CLOSED, count, units, {ONE_CONFIRMED: 1, ONE_SHIPPED: count})


def _stops() -> Expected:
    """Nothing leaves, and the buyer, who had a confirmation, is told."""
    return Expected(CANCELLED, 0, {}, {ONE_CONFIRMED: 1, ONE_CANCELLED: 1})


# -- the special cases, each an order of its own

_CREATE = Deliver("orders/create")
_CANCEL = Deliver("orders/cancelled", change="cancelled")
_NEW_ADDRESS = {
    "name": "Inês Araújo",
    "lines": ["SQN 212 Bloco A", "Apto 101"],
    "city": "Brasília",
    "province": "DF",
    "postal_code": "70864-010",
    "country": "BR",
    "phone": "+55 61 3307 1000",
}
RARE_UNITS = 4


def _special_cases() -> list[Case]:
    cases: list[Case] = []

    def case(
        title: str,
        place: str,
        lines: Sequence[tuple[str, int]],
        steps: Sequence[Step],
        expected: Expected | None = None,
        *,
        paid: bool = True,
        street: str | None = None,
    ) -> None:
        sold = tuple(Sold(*line) for line in lines)
        end = expected or _ships(sold)
        number = FIRST_NUMBER + len(cases)
        cases.append(Case(number, place, sold, tuple(steps), end, title, paid, street))

    case("the same SKU on two lines", "berlin", [("MUG", 2), ("TEE", 1), ("MUG", 1)], [_CREATE])
    case("a kit, and a part of it besides", "münchen", [("DESKSET", 2), ("MUG", 1)], [_CREATE])
    case("from two warehouses", "são paulo", [("TEE", 2), ("BUDS", 1), ("ONTHEGO", 1)], [_CREATE])
    case("delivered five times at once", "東京", [("CASE", 3)], [Deliver("orders/create", copies=5)])
    case(
        "signed with a wrong secret",
        "berlin",
        [("MUG", 9)],
        [Deliver("orders/create", signature="bad")],
        Expected(ABSENT, 0),
    )
    case(
        "not JSON, then as it should be",
        "上海",
        [("CABLE", 2)],
        [Deliver("orders/create", raw="<order>not JSON</order>"), _CREATE],
    )
    case(
        "an unknown SKU, made known later",
        "portland",
        [(UNKNOWN_NAME, 1), ("MUG", 1)],
        [_CREATE, Until(hold="unknown_sku"), MapSku(UNKNOWN_NAME, {UNKNOWN_IS: 1})],
    )
    case(
        "unpaid, paid later",
        "berlin",
        [("LAMP", 1)],
        [_CREATE, Until(hold="unpaid"), Deliver("orders/paid", change="paid")],
        paid=False,
    )
    case(
        "held by a person and released",
        "广州",
        [("VASE", 1)],
        [
            _CREATE,
            Until(labelled=1),
            Person("hold", {"reason": "the buyer asked us to wait"}),
            Until(hold="manual"),
            Person("release", {"hold": "manual", "reason": "the buyer is back"}),
            Until(status="open"),
            HandOver(),
        ],
    )
    lines = [("RARE", RARE_UNITS + 3)]
    case(
        "more than there is, filled by a receipt",
        "münchen",
        lines,
        [_CREATE, Until(shipped_units=RARE_UNITS), Receive({"RARE": 3}, "backorder")],
        _ships([Sold(*line) for line in lines], parcels=2),
    )
    case(
        "an address the carrier refuses, then repaired",
        "brasília",
        [("TEE", 1)],
        [
            _CREATE,
            Until(repair=True),
            Person("consignee", {"consignee": _NEW_ADDRESS, "reason": "the buyer told us by phone"}),
        ],
        street=REFUSED_STREET,
    )
    case(
        "a new address after the label",
        "上海",
        [("BOWL", 2)],
        [
            _CREATE,
            Until(labelled=1),
            Deliver("orders/updated", change="address"),
            Until(relabelled=True),
            HandOver(),
        ],
    )
    case(
        "cancelled before it was created",
        "são paulo",
        [("MUG", 3)],
        [_CANCEL, Until(status=CANCELLED), Deliver("orders/create", as_before=True)],
        Expected(CANCELLED, 0),
    )
    case(
        "cancelled while the label is bought",
        "portland",
        [("VASE", 2)],
        [
            CarrierSlow(4.0),
            _CREATE,
            Until(asked_carrier=True, mailed=1),
            _CANCEL,
            Until(status=CANCELLED),
        ],
        _stops(),
    )
    case(
        "cancelled after the label",
        "广州",
        [("BOWL", 1), ("VASE", 1)],
        [_CREATE, Until(labelled=1, mailed=1), _CANCEL, Until(status=CANCELLED)],
        _stops(),
    )
    lines = [("MUG", 1)]
    shipped = _ships([Sold(*line) for line in lines])
    case(
        "cancelled after the hand-over: too late",
        "berlin",
        lines,
        [_CREATE, Until(status=CLOSED, confirmed=1), _CANCEL],
        Expected(
            shipped.status, shipped.parcels, shipped.shipped, shipped.mails, exception="cancelled_after_close"
        ),
    )
    return cases


def _special_at(platform: str, first_number: int, *, silent: bool, issuing: bool) -> list[Case]:
    """What every other marketplace has to tell besides orders. `silent`: its buyers cannot be written to;
    `issuing`: what has a label of its own cannot be cancelled any more.
    """
    late, vase = (Sold("TEE", 1), Sold("MUG", 2)), (Sold("VASE", 1),)
    paid_late = Case(
        first_number,
        "berlin",
        late,
        (Buy(), Change("paid")),
        _ships(late),
        f"{platform}: unpaid, paid later",
        paid=False,
        platform=platform,
    )
    if issuing:
        number, title, end = (
            first_number + 1,
            f"{platform}: cancelled instead of paid",
            Expected(CANCELLED, 0),
        )
        steps: tuple[Step, ...] = (Buy(), Until(hold="unpaid"), Change("cancelled"))
        cancelled = Case(number, "são paulo", vase, steps, end, title, paid=False, platform=platform)
    else:
        labelled = Until(labelled=1, mailed=None if silent else 1)
        steps = (Buy(), labelled, Change("cancelled"), Until(status=CANCELLED))
        title = f"{platform}: cancelled after the label"
        cancelled = Case(first_number + 1, "são paulo", vase, steps, _stops(), title, platform=platform)
    return [_unmailed(case) if silent else case for case in (paid_late, cancelled)]


def _unmailed(case: Case) -> Case:
    return replace(case, expected=replace(case.expected, mails={}))


# -- the ordinary ones

_ORDINARY_NAMES = ("MUG", "TEE", "LAMP", "CASE", "CABLE", "BUDS", *KITS)


def _ordinary(number: int, chance: random.Random, platform: str, *, from_one_place: bool) -> Case:
    names = chance.choices(_ORDINARY_NAMES, k=chance.choice((1, 1, 1, 2, 2, 3)))
    lines = tuple(Sold(name, chance.choice((1, 1, 1, 2, 3))) for name in names)
    if from_one_place:
        lines = tuple(line for line in lines if _warehouse(line) == _warehouse(lines[0]))
    copies = 2 if number % TWICE_EVERY == 0 else 1
    place = chance.choice(tuple(PLACES))
    told = Deliver("orders/create", copies=copies) if platform == SHOPIFY else Buy()
    return Case(number, place, lines, (told,), _ships(lines), platform=platform)


def _warehouse(line: Sold) -> str:
    """Where all of it lies: kits are of things that lie together."""
    return GOODS[next(iter(components_of(line.name)))].warehouse


def make_scenario(
    orders: int,
    seed: int,
    platforms: Sequence[str] = (SHOPIFY,),
    *,
    silent: Collection[str] = (),
    issuing: Collection[str] = (),
) -> Scenario:
    """The same orders for the same seed and platforms, which take turns. The special cases come with every
    number of orders. At an `issuing` platform an order leaves from one warehouse: it has one label.
    """
    chance = random.Random(seed)  # noqa: S311  reproducible on purpose
    special = _special_cases()
    for platform in platforms:
        if platform != SHOPIFY:
            special += _special_at(
                platform, FIRST_NUMBER + len(special), silent=platform in silent, issuing=platform in issuing
            )
    first = FIRST_NUMBER + len(special)
    ordinary = [
        _ordinary(first + n, chance, platform, from_one_place=platform in issuing)
        for n in range(max(0, orders - len(special)))
        for platform in (platforms[n % len(platforms)],)
    ]
    ordinary = [_unmailed(case) if case.platform in silent else case for case in ordinary]
    cases = (*special, *ordinary)
    stock: Counter[str] = Counter(dict.fromkeys(GOODS, SPARE_UNITS))
    for case in cases:
        stock.update(case.wanted)
    stock["RARE"] = RARE_UNITS  # nobody else wants it
    return Scenario(cases, stock)
