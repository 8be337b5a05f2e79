"""What MyDHL, or DHL at customs, refuses beyond the form of a request.

Sources: the OpenAPI document of MyDHL API 3.1.1 (karrioapi/karrio, modules/connectors/mydhl/vendors), read
2026-11-22, for date, accounts, declaration and the words with a number; the products' letters as several
public integrations agree on them (jooorooo/omniship-dhl, karrio). DDP's needs, a parcel's bounds and the sums
are stricter than anything written there, so that a wrong request shows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from crossdock_sandbox.countries import EU, POSTAL_CODE_NEEDED, needs_declaration
from crossdock_sandbox.dhl_express.errors import Refused, refused
from crossdock_sandbox.dhl_express.wire import Content, CreateShipment, ExportDeclaration, Package
from crossdock_sandbox.parcels import is_plausible

LATEST = timedelta(days=10)
HEAVIEST_KG = 70  # one piece; not confirmed by DHL
KEYWORDS = ("JEWELRY", "MACHINERY")
REFUSE_ADDRESS = "REFUSE ADDRESS"

_PLANNED = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}) ?GMT([+-]\d{2}:\d{2})")


@dataclass(frozen=True, slots=True)
class Product:
    name: str
    lane: str  # domestic, union (inside the EU) or world
    goods: bool = True  # else documents, which customs does not tax
    base: str = "38.00"  # the prices are made up
    per_kg: str = "6.20"


PRODUCTS = {
    "D": Product("EXPRESS WORLDWIDE DOC", "world", goods=False),
    "P": Product("EXPRESS WORLDWIDE", "world"),
    "U": Product("EXPRESS WORLDWIDE EU", "union", base="24.00", per_kg="3.10"),
    "E": Product("EXPRESS 9:00", "world", base="88.00"),
    "Y": Product("EXPRESS 12:00", "world", base="52.00"),
    "W": Product("ECONOMY SELECT EU", "union", base="14.00", per_kg="2.00"),
    "H": Product("ECONOMY SELECT", "world", base="26.00", per_kg="4.10"),
    "N": Product("EXPRESS DOMESTIC", "domestic", base="9.00", per_kg="1.10"),
    "I": Product("EXPRESS DOMESTIC 9:00", "domestic", base="19.00", per_kg="1.40"),
    "1": Product("EXPRESS DOMESTIC 12:00", "domestic", base="13.00", per_kg="1.20"),
}


def check(shipment: CreateShipment, accounts: Sequence[str], now: datetime) -> None:
    """Raises Refused with what is wrong first."""
    _check_date(shipment.plannedShippingDateAndTime, now)
    _check_accounts(shipment, accounts)
    _check_addresses(shipment)
    _check_product(shipment)
    for number, package in enumerate(shipment.content.packages):
        _check_package(package, number)
    _check_customs(shipment)


def _check_date(planned: str, now: datetime) -> None:
    found = _PLANNED.fullmatch(planned)
    if found is None:
        raise refused(
            "998: ShipTimeStamp is not well formatted."
            "(Expected Sample Format : '2010-02-11T17:10:09 GMT+01:00')"
        )
    at = datetime.fromisoformat(found[1] + found[2])
    if not now <= at <= now + LATEST:
        raise refused("#/plannedShippingDateAndTime: not in the past and at most 10 days ahead")


def _check_accounts(shipment: CreateShipment, accounts: Sequence[str]) -> None:
    by_type = {one.typeCode: one.number for one in shipment.accounts}
    if by_type.get("shipper") not in accounts:
        raise refused("8007: The Shipper Account is invalid.")
    services = {one.serviceCode for one in shipment.valueAddedServices}
    if shipment.content.incoterm == "DDP" and ("DD" not in services or "duties-taxes" not in by_type):
        raise refused("#/valueAddedServices: DDP needs service DD and a duties-taxes account")


def _check_addresses(shipment: CreateShipment) -> None:
    parties = shipment.customerDetails
    for name, party in (
        ("shipperDetails", parties.shipperDetails),
        ("receiverDetails", parties.receiverDetails),
    ):
        address = party.postalAddress
        if address.countryCode in POSTAL_CODE_NEEDED and not address.postalCode.strip():
            raise refused(f"#/customerDetails/{name}/postalAddress/postalCode: needed in this country")
    if REFUSE_ADDRESS in parties.receiverDetails.postalAddress.addressLine1.upper():
        where = parties.receiverDetails.postalAddress
        raise refused(
            f"The destination {where.cityName} {where.postalCode} is not served: "
            "#/customerDetails/receiverDetails/postalAddress/cityName"
        )


def _check_product(shipment: CreateShipment) -> None:
    product = PRODUCTS.get(shipment.productCode)
    if product is None or not _serves(product, *_ends(shipment)):
        raise refused("#/productCode: not available between this origin and destination")
    if shipment.content.isCustomsDeclarable and not product.goods:
        raise refused("#/productCode: a product for documents carries nothing that is declared")


def _ends(shipment: CreateShipment) -> tuple[str, str]:
    parties = shipment.customerDetails
    return (
        parties.shipperDetails.postalAddress.countryCode,
        parties.receiverDetails.postalAddress.countryCode,
    )


def _serves(product: Product, origin: str, destination: str) -> bool:
    match product.lane:
        case "domestic":
            return origin == destination
        case "union":
            return origin != destination and {origin, destination} <= EU
    return origin != destination


def _check_package(package: Package, number: int) -> None:
    field = f"#/content/packages/{number}/weight"
    if package.weight > HEAVIEST_KG:
        raise refused(f"{field}: a piece weighs at most {HEAVIEST_KG} kg: is the weight in kilograms?")
    size = package.dimensions
    if size is not None:
        volume_cm3 = float(size.length * size.width * size.height)
        if not is_plausible(float(package.weight) * 1000, volume_cm3):
            raise refused(f"{field}: no parcel: is the weight in kilograms and the size in centimetres?")


def _check_customs(shipment: CreateShipment) -> None:
    content, declaration = shipment.content, shipment.content.exportDeclaration
    if not content.isCustomsDeclarable:
        if needs_declaration(*_ends(shipment)):
            raise refused("#/content/isCustomsDeclarable: goods on this way are declared")
        return
    if declaration is None:
        raise refused("#/content: required key [exportDeclaration] not found", 422)
    if content.declaredValue is None or content.declaredValueCurrency is None:
        raise refused("#/content: required key [declaredValue] not found", 422)
    keyword = _keyword(content, declaration)
    if keyword is not None:
        raise keyword
    total = sum((one.price * one.quantity.value for one in declaration.lineItems), Decimal(0))
    if total != content.declaredValue or not total:
        raise refused(f"#/content/declaredValue: the line items are worth {total}")
    for number, item in enumerate(declaration.lineItems):
        field = f"#/content/exportDeclaration/lineItems/{number}"
        if item.weight.netValue is None and item.weight.grossValue is None:
            raise refused(f"{field}/weight: required key [netValue] not found", 422)
        codes = [one.value.replace(".", "") for one in item.commodityCodes if one.typeCode == "outbound"]
        if not codes or not codes[0].isdecimal() or not 6 <= len(codes[0]) <= 10:
            raise refused(f"{field}/commodityCodes: an outbound code of 6 to 10 digits is needed")
    net = sum((one.weight.netValue or Decimal(0) for one in declaration.lineItems), Decimal(0))
    gross = sum((one.weight for one in content.packages), Decimal(0))
    if net > gross:
        raise refused(f"#/content/packages: the line items weigh {net} kg, the packages only {gross} kg")


def _keyword(content: Content, declaration: ExportDeclaration) -> Refused | None:
    """DHL screens descriptions for words that say too little or need a licence."""
    for keyword in KEYWORDS:
        if keyword in content.description.upper():
            return refused(_matched("shipment description #/content/description", keyword))
        for number, item in enumerate(declaration.lineItems):
            if keyword in item.description.upper():
                field = f"#/content/exportdeclaration/lineitems/{number}/description"
                return refused(_matched(f"export line item description {field}", keyword))
    return None


def _matched(where: str, keyword: str) -> str:
    return f"7147: The {where} Match Keyword[Description:{keyword}]. Please update the description and retry."
