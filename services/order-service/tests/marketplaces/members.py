"""What each marketplace's folder gives the conformance suite: `tests/conformance.py`, found by its place.

The module says, by these names:

ACCOUNT       an account of the platform, connected
NOTICE        the body that the platform posts, or puts into its queue, when an order comes
delivered     body -> headers, in lower case, of a genuine delivery of it to ACCOUNT
ORDER         the recorded order, as `fetched_topic` reads it; NOTICE itself where orders are pushed whole
EXPECTED      the canonical fields of ORDER, as the fact that was agreed on
with_title    text -> ORDER, its first line so called
with_price    currency, amount -> ORDER, one unit of its first line at that price, in major units
changed_at    moment -> ORDER, as it was then said to be
NEVER_SHIPPED name -> an order that must never be open: test, unpaid, on hold, shipped by the platform, ...
MASKED        ORDER with personal data that the platform hides; None where a platform never does

Where its folder has to ask for something before it can verify, or notices do not name the shop, it says, too:

answering     a folder for files -> within it, a server that answers what `prepare` asks for; its address
NAMES_SHOP    False: nothing in a notice tells one shop's from another's
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from order_service.adapters import marketplaces
from order_service.use_cases.ports import Account


@dataclass(frozen=True)
class Member:
    code: str
    account: Account
    notice: bytes
    delivered: Callable[[bytes], Mapping[str, str]]
    order: bytes
    expected: Mapping[str, Any]
    with_title: Callable[[str], bytes]
    with_price: Callable[[str, str], bytes]
    changed_at: Callable[[datetime], bytes]
    never_shipped: Mapping[str, bytes]
    masked: bytes | None
    answering: Callable[[Path], AbstractAsyncContextManager[str]] | None
    names_shop: bool


def find_members() -> list[Member]:
    """Every folder's. A folder without `tests/conformance.py` fails here, with its name in the path."""
    (root,) = marketplaces.__path__
    return [_read(one.parent) for one in sorted(Path(root).glob("*/__init__.py"))]


def _read(folder: Path) -> Member:
    path = folder / "tests" / "conformance.py"
    spec = spec_from_file_location(f"conformance_of_{folder.name}", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    said = module_from_spec(spec)
    spec.loader.exec_module(said)
    return Member(
        code=folder.name,
        account=said.ACCOUNT,
        notice=said.NOTICE,
        delivered=said.delivered,
        order=said.ORDER,
        expected=said.EXPECTED,
        with_title=said.with_title,
        with_price=said.with_price,
        changed_at=said.changed_at,
        never_shipped=said.NEVER_SHIPPED,
        masked=said.MASKED,
        answering=getattr(said, "answering", None),
        names_shop=getattr(said, "NAMES_SHOP", True),
    )
