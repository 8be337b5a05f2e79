"""Price lists: the same shipment always gets the same rates."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from crossdock_sandbox.easypost.wire import Shipment

CENT = Decimal("0.01")
EUROPE = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CH",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GB",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
ASIA = frozenset({"CN", "HK", "SG", "TH", "MY", "VN", "TW", "KR", "JP"})


@dataclass(frozen=True, slots=True)
class Service:
    carrier: str
    name: str
    serves: Callable[[str, str], bool]  # from country, to country
    base: str
    per_ounce: str
    max_ounces: float
    days: int | None

    @property
    def account_id(self) -> str:
        return f"ca_{self.carrier.lower()}"


def _domestic_us(start: str, end: str) -> bool:
    return start == end == "US"


def _export_us(start: str, end: str) -> bool:
    return start == "US" != end


def _export_asia(start: str, end: str) -> bool:
    return start in ASIA and end != start


def _border(start: str, end: str) -> bool:
    return start != end


def _domestic(start: str, end: str) -> bool:
    return start == end


#: Names as EasyPost spells them; the prices are made up.
SERVICES = (
    Service("USPS", "GroundAdvantage", _domestic_us, "4.10", "0.12", 1120, 4),
    Service("USPS", "Priority", _domestic_us, "7.60", "0.16", 1120, 2),
    Service("USPS", "Express", _domestic_us, "26.35", "0.31", 1120, 1),
    Service("USPS", "FirstClassPackageInternationalService", _export_us, "12.20", "0.45", 64, None),
    Service("USPS", "PriorityMailInternational", _export_us, "31.90", "0.52", 1120, 8),
    Service("USPS", "ExpressMailInternational", _export_us, "52.10", "0.60", 1120, 5),
    Service("DHLEcommerceAsia", "Packet", _export_asia, "3.40", "0.38", 70, 14),
    Service("DHLEcommerceAsia", "ParcelDirect", _export_asia, "6.90", "0.41", 704, 9),
    Service("DHLExpress", "ExpressWorldwideNonDoc", _border, "28.40", "0.36", 2400, 3),
    Service("DHLExpress", "DomesticExpress", _domestic, "9.80", "0.14", 2400, 1),
    Service("FedEx", "FEDEX_GROUND", _domestic, "8.15", "0.11", 2400, 4),
    Service("FedEx", "INTERNATIONAL_ECONOMY", _border, "24.60", "0.33", 2400, 6),
    Service("FedEx", "INTERNATIONAL_PRIORITY", _border, "33.20", "0.39", 2400, 3),
)
ACCOUNTS = frozenset(service.account_id for service in SERVICES)


@dataclass(frozen=True, slots=True)
class Quote:
    service: Service
    rate: Decimal

    @property
    def list_rate(self) -> Decimal:
        return _cents(self.rate * Decimal("1.05"))

    @property
    def retail_rate(self) -> Decimal:
        return _cents(self.rate * Decimal("1.24"))


def quotes(shipment: Shipment) -> list[Quote]:
    """What each service that runs on this lane asks for this weight, cheapest first."""
    start, end = shipment.from_address.country, shipment.to_address.country
    asked = frozenset(shipment.carrier_accounts)
    weight = Decimal(str(shipment.parcel.weight))
    found = [
        Quote(
            service, _cents((Decimal(service.base) + Decimal(service.per_ounce) * weight) * _zone(start, end))
        )
        for service in SERVICES
        if service.serves(start, end)
        and shipment.parcel.weight <= service.max_ounces
        and (not asked or service.account_id in asked)
    ]
    return sorted(found, key=lambda quote: (quote.rate, quote.service.name))


def _zone(start: str, end: str) -> Decimal:
    if start == end or {start, end} <= EUROPE or {start, end} <= ASIA:
        return Decimal("1.00")
    return Decimal("1.15") if "US" in {start, end} or "CA" in {start, end} else Decimal("1.30")


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
