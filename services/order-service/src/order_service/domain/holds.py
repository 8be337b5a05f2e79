"""Why an order waits, and when it stops waiting by itself."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from order_service.domain.addresses import missing_parts
from order_service.domain.canonical import Address, PaymentStatus
from order_service.domain.lines import Catalog, Line, SkuFacts


class HoldReason(StrEnum):
    UNPAID = "unpaid"
    UNKNOWN_SKU = "unknown_sku"
    ADDRESS = "address"
    CUSTOMS_DATA = "customs_data"
    OUT_OF_STOCK = "out_of_stock"
    RISK = "risk"
    TEST_ORDER = "test_order"
    PLATFORM = "platform"  # whoever has paid, the marketplace keeps the order back
    MANUAL = "manual"


#: Found by looking at the order, and gone when what they miss has come.
AUTOMATIC = frozenset(
    {
        HoldReason.UNPAID,
        HoldReason.UNKNOWN_SKU,
        HoldReason.ADDRESS,
        HoldReason.CUSTOMS_DATA,
        HoldReason.TEST_ORDER,
        HoldReason.PLATFORM,
    }
)
#: No word of a person makes these orders shippable.
NOT_RELEASABLE = frozenset({HoldReason.UNKNOWN_SKU, HoldReason.TEST_ORDER, HoldReason.PLATFORM})


@dataclass(frozen=True, slots=True)
class Hold:
    """`detail` says what to do about it, without personal data."""

    reason: HoldReason
    since: datetime
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """The automatic holds with their details, and the SKUs whose news would change them."""

    holds: Mapping[HoldReason, str]
    waiting_skus: Set[str]


def look(
    *,
    payment: PaymentStatus,
    platform_hold: str | None,
    test: bool,
    address: Address | None,
    lines: Sequence[Line],
    catalog: Catalog,
    domestic_countries: Set[str],
) -> Findings:
    """What keeps this order from being shipped, as far as order-service can see it."""
    holds: dict[HoldReason, str] = {}
    waiting: set[str] = set()
    if test:
        holds[HoldReason.TEST_ORDER] = "a test order is never shipped"
    if platform_hold is not None:
        holds[HoldReason.PLATFORM] = f"the marketplace keeps it back until it says otherwise: {platform_hold}"
    if not payment.settled:
        holds[HoldReason.UNPAID] = f"payment is {payment.value}"
    unknown = sorted({line.external_sku or "(none)" for line in lines if line.sku is None and line.units > 0})
    if unknown:
        holds[HoldReason.UNKNOWN_SKU] = "map or create: " + ", ".join(unknown)[:400]
        for name in {line.external_sku for line in lines if line.sku is None and line.external_sku}:
            waiting.add(name)
            if name in catalog.mapped:
                waiting |= {part.sku for part in catalog.mapped[name].components}
    missing = missing_parts(address)
    if missing:
        holds[HoldReason.ADDRESS] = "missing: " + ", ".join(missing)
    if address is not None and address.country and address.country not in domestic_countries:
        lacking = sorted(
            {
                line.sku
                for line in lines
                if line.sku and line.units > 0 and not _cleared(line.sku, catalog.known)
            }
        )
        if lacking:
            holds[HoldReason.CUSTOMS_DATA] = (
                "HS code, origin or description missing: " + ", ".join(lacking)[:400]
            )
            waiting |= set(lacking)
    return Findings(holds, waiting)


def _cleared(sku: str, known: Mapping[str, SkuFacts]) -> bool:
    return sku in known and known[sku].ready_for_customs
