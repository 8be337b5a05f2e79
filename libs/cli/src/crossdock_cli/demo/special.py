"""The orders of the demo that have trouble, each a kind of its own."""

from collections.abc import Sequence

from crossdock_cli.demo.cases import (
    ABSENT,
    CANCELLED,
    CLOSED,
    FIRST_NUMBER,
    Case,
    Expected,
    Sold,
    ships,
    stops,
    unmailed,
)
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
from crossdock_cli.demo.world import REFUSED_STREET, UNKNOWN_IS, UNKNOWN_NAME

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


def special_cases() -> list[Case]:
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
        end = expected or ships(sold)
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
        ships([Sold(*line) for line in lines], parcels=2),
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
        stops(),
    )
    case(
        "cancelled after the label",
        "广州",
        [("BOWL", 1), ("VASE", 1)],
        [_CREATE, Until(labelled=1, mailed=1), _CANCEL, Until(status=CANCELLED)],
        stops(),
    )
    lines = [("MUG", 1)]
    shipped = ships([Sold(*line) for line in lines])
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


def special_at(platform: str, first_number: int, *, silent: bool, issuing: bool) -> list[Case]:
    """What every other marketplace has to tell besides orders. `silent`: its buyers cannot be written to;
    `issuing`: what has a label of its own cannot be cancelled any more.
    """
    late, vase = (Sold("TEE", 1), Sold("MUG", 2)), (Sold("VASE", 1),)
    paid_late = Case(
        first_number,
        "berlin",
        late,
        (Buy(), Change("paid")),
        ships(late),
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
        cancelled = Case(first_number + 1, "são paulo", vase, steps, stops(), title, platform=platform)
    return [unmailed(case) if silent else case for case in (paid_late, cancelled)]
