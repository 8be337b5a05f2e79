"""`python -m tests.docs.members_page`: write docs/members.md from what every carrier and marketplace offers,
and from what its README says is not confirmed.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx

from order_service.adapters import marketplaces
from order_service.adapters.marketplace_registry import load_marketplaces
from order_service.use_cases.marketplace import Marketplace
from shipping_service.adapters import carriers
from shipping_service.adapters.carrier_registry import all_carriers
from shipping_service.domain.tracking import Meaning
from shipping_service.use_cases.ports import Capabilities, Carrier
from shipping_service.use_cases.tracking_port import Tracking

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "members.md"

HEAD = """\
# Carriers and marketplaces

Made by `python -m tests.docs.members_page` from the folders: what a member can do is what its folder offers
to the service, and what is not confirmed is taken from its README. A test compares. How to add one:
[a carrier](how-to/add-a-carrier.md), [a marketplace](how-to/add-a-marketplace.md)."""

CARRIERS = """\
Found again: after a lost answer the carrier can be asked whether a label was sold; where it cannot, a person
finds out. What a parcel needs over a border and its carrier does not make, we print."""

TRACKING = """\
Codes whose meaning the sources tell differently, or that stand for a family, are not sure: such a code is
logged and counted. A carrier without tracking is followed by the member that `SHIPPING_TRACKS_OTHERS`
names."""

MARKETPLACES = """\
What a marketplace cannot do is not asked of it: without polling, what no message told of is not seen; without
stock, cancels or tracking a person does it in the marketplace's own pages."""

UNCONFIRMED = """\
Facts that nobody has seen confirmed, as the members' READMEs name them. Compare them with the account before
it is relied on; many of them are settings."""

_SECTION = re.compile(r"^#+ (?:Unconfirmed|Not confirmed)\b[^\n]*\n(.*?)(?=^#|\Z)", re.M | re.S | re.I)
_BULLET = re.compile(r"^- (.+(?:\n  .+)*)", re.M)
_PASSAGE = re.compile(r"(?:Unconfirmed|Not confirmed): (.+?)(?=\n\n|\n#|\Z)", re.S)


def known_marketplaces() -> Mapping[str, Marketplace]:
    return load_marketplaces(httpx.AsyncClient(trust_env=False))


def unconfirmed(readme: str) -> list[str]:
    """The points of its section on that, and what a passage elsewhere names after "Unconfirmed:"."""
    points = [point for section in _SECTION.findall(readme) for point in _BULLET.findall(section)]
    points += [passage[0].upper() + passage[1:] for passage in _PASSAGE.findall(_SECTION.sub("", readme))]
    return [" ".join(one.replace("`", "").split()) for one in points]


def render() -> str:
    """The whole page."""
    sellers = {code: one for code, one in sorted(all_carriers().items()) if one.capabilities}
    tellers = {code: one.tracking for code, one in sorted(all_carriers().items()) if one.tracking}
    shops = dict(sorted(known_marketplaces().items()))
    parts = [
        HEAD,
        "## Carriers: labels",
        CARRIERS,
        _table(
            ("member", "found again", "taken back", "customs", "papers that it makes"),
            [_label_row(code, one) for code, one in sellers.items()],
        ),
        "## Carriers: tracking",
        TRACKING,
        _table(
            ("member", "codes", "of them not sure", "pushes", "asked in one call"),
            [_tracking_row(code, one) for code, one in tellers.items()],
        ),
        "## Marketplaces",
        MARKETPLACES,
        _table(
            (
                *("member", "orders come by", "tracking back", "stock in one call", "our cancels"),
                *("its own labels", "tokens refreshed", "asks for"),
            ),
            [_marketplace_row(code, one) for code, one in shops.items()],
        ),
        "## Not confirmed",
        UNCONFIRMED,
        *_sureness(Path(carriers.__path__[0]), all_carriers()),
        *_sureness(Path(marketplaces.__path__[0]), shops),
    ]
    return "\n\n".join(parts) + "\n"


def _label_row(code: str, carrier: Carrier) -> Sequence[str]:
    can = carrier.capabilities
    if can is None:
        raise TypeError(f"{code} sells no labels")
    papers = ", ".join(sorted(str(one) for one in can.makes))
    return code, _yes(can.can_find), _void(can), "CN22, CN23" if can.postal else "commercial invoice", papers


def _void(can: Capabilities) -> str:
    if not can.can_void:
        return "no"
    return "yes, answered later" if can.void_is_async else "yes"


def _tracking_row(code: str, tracking: Tracking) -> Sequence[str]:
    meanings: list[Meaning] = [one for table in tracking.codes.values() for one in table.values()]
    webhook = tracking.webhook
    pushes = "no"
    if webhook is not None:
        pushes = "yes, and then it is asked" if webhook.pull_only else "yes"
        pushes += ", once a parcel is registered" if tracking.subscribes else ""
    unsure = sum(not one.sure for one in meanings)
    return code, str(len(meanings)), str(unsure), pushes, str(tracking.batch_size)


def _marketplace_row(code: str, shop: Marketplace) -> Sequence[str]:
    ways = "webhook" if shop.open_queue is None else "queue"
    return (
        code,
        ways if shop.polling is None else f"{ways}, polling",
        _yes(shop.writes_tracking),
        "no" if shop.stock is None else str(shop.stock.batch),
        _yes(shop.open_canceller is not None),
        _yes(shop.open_issuer is not None),
        _yes(shop.open_refresher is not None),
        ", ".join(one.name for one in shop.asks) or "nothing more",
    )


def _sureness(folder: Path, members: Mapping[str, object]) -> Iterator[str]:
    for code in sorted(members):
        readme = folder / code / "README.md"
        points = unconfirmed(readme.read_text(encoding="utf-8"))
        link = f"../{readme.relative_to(ROOT)}"
        told = "\n".join(f"- {one}" for one in points) or "Its README names nothing."
        yield f"### {code}\n\n{told}\n\n[Its README]({link})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(one)} |" for one in lines)


def _yes(there: bool) -> str:
    return "yes" if there else "no"


def main() -> None:
    PAGE.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} written\n")


if __name__ == "__main__":
    main()
