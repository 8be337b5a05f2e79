"""What UPS refuses beyond the form of a request.

Sources: UPS-API/api-documentation, Shipping.yaml, for accounts, addresses, references, forms and bounds;
the services' codes from the same. That units follow the origin, and sums and sizes have to be plausible, is
stricter than anything written there, so that a wrong request shows.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from crossdock_sandbox.countries import EU, POSTAL_CODE_NEEDED, needs_declaration
from crossdock_sandbox.parcels import is_plausible
from crossdock_sandbox.ups.errors import NO_SERVICE, WRONG_ACCOUNT, broken, refused
from crossdock_sandbox.ups.wire import Consignment, ConsignmentAsked, Parcel, Party

REFUSE_ADDRESS: Final = "REFUSE ADDRESS"
OWN_PACKAGING: Final = "02"
GRAMS: Final = {"KGS": Decimal(1000), "LBS": Decimal("453.59237")}
MILLIMETRES: Final = {"CM": Decimal(10), "IN": Decimal("25.4")}
SYSTEMS: Final = {"KGS": "CM", "LBS": "IN"}
HEAVIEST: Final = {"KGS": 70, "LBS": 150}
LONGEST: Final = {"CM": 270, "IN": 108}
LONGEST_WITH_GIRTH: Final = {"CM": 330, "IN": 165}
IMPERIAL_ORIGINS: Final = frozenset({"US", "PR"})
STATE_NEEDED: Final = frozenset({"US", "CA", "VN"})


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    lane: str  # us, abroad, or any but the US at home
    base: str = "30.00"  # the prices are made up
    per_kg: str = "5.10"


SERVICES: Final = {
    "01": Service("UPS Next Day Air", "us", "22.00", "3.00"),
    "02": Service("UPS 2nd Day Air", "us", "15.00", "2.00"),
    "03": Service("UPS Ground", "us", "8.00", "0.90"),
    "07": Service("UPS Worldwide Express", "abroad", "52.00", "7.00"),
    "08": Service("UPS Worldwide Expedited", "abroad", "34.00", "5.00"),
    "11": Service("UPS Standard", "any", "9.00", "1.10"),
    "54": Service("UPS Worldwide Express Plus", "abroad", "80.00", "8.00"),
    "65": Service("UPS Worldwide Saver", "any", "41.00", "6.00"),
}


def check(asked: ConsignmentAsked, accounts: tuple[str, ...]) -> None:
    """Raises Refused with what is wrong first."""
    shipment = asked.Shipment
    _check_account(shipment, accounts)
    abroad = shipment.Shipper.Address.CountryCode != shipment.ShipTo.Address.CountryCode
    for name, party in (("shipper", shipment.Shipper), ("ship to", shipment.ShipTo)):
        _check_party(party, name, abroad=abroad)
    _check_service(shipment)
    _check_references(shipment)
    _check_parcel(shipment.Package[0], shipment.Shipper.Address.CountryCode)
    _check_customs(shipment, abroad=abroad)
    _check_label(asked)


def _check_account(shipment: Consignment, accounts: tuple[str, ...]) -> None:
    charged = {one.BillShipper.AccountNumber for one in shipment.PaymentInformation.ShipmentCharge}
    if shipment.Shipper.ShipperNumber not in accounts or charged != {shipment.Shipper.ShipperNumber}:
        raise refused(WRONG_ACCOUNT, "Missing or invalid shipper number")
    kinds = [one.Type for one in shipment.PaymentInformation.ShipmentCharge]
    if kinds not in (["01"], ["01", "02"]):
        raise broken("Who pays the transport has to be said once")


def _check_party(party: Party, name: str, *, abroad: bool) -> None:
    address = party.Address
    country, code = address.CountryCode, address.PostalCode or ""
    if abroad and not party.AttentionName:
        raise refused("120500", f"Missing or invalid {name} attention name")
    if abroad and party.Phone is None:
        raise broken(f"Missing or invalid {name} phone number")
    if country in STATE_NEEDED and not address.StateProvinceCode:
        raise broken(f"Missing or invalid {name} state province code")
    wrong = country in POSTAL_CODE_NEEDED and not code
    wrong = wrong or (country in {"US", "PR"} and re.fullmatch(r"\d{5}(\d{4})?", code) is None)
    wrong = wrong or (country == "CA" and re.fullmatch(r"([A-Z]\d){3}", code) is None)
    if wrong:
        raise broken(f"Missing or invalid {name} postal code")
    if REFUSE_ADDRESS in address.AddressLine[0].upper():
        raise broken(f"Invalid {name} city {address.City} for {code}")


def _check_service(shipment: Consignment) -> None:
    service = SERVICES.get(shipment.Service.Code)
    origin = shipment.Shipper.Address.CountryCode
    destination = shipment.ShipTo.Address.CountryCode
    if service is None or not _serves(service, origin, destination):
        raise refused(NO_SERVICE, "The requested service is unavailable between the selected locations.")


def _serves(service: Service, origin: str, destination: str) -> bool:
    if service.lane == "us":
        return origin == destination == "US"
    if service.lane == "abroad":
        return origin != destination
    return not origin == destination == "US"


def _check_references(shipment: Consignment) -> None:
    ends = {shipment.Shipper.Address.CountryCode, shipment.ShipTo.Address.CountryCode}
    on_package = ends in ({"US"}, {"PR"})
    if on_package and shipment.ReferenceNumber:
        raise broken("A shipment's reference is not valid between these countries")
    if not on_package and shipment.Package[0].ReferenceNumber:
        raise broken("A package's reference is not valid between these countries")


def _check_parcel(parcel: Parcel, origin: str) -> None:
    if parcel.Packaging.Code != OWN_PACKAGING:
        raise broken("This sandbox takes customer's own packaging (02) only")
    unit = parcel.PackageWeight.UnitOfMeasurement.Code
    if unit not in GRAMS or (unit == "LBS") is not (origin in IMPERIAL_ORIGINS):
        raise broken("The unit of measurement is not valid for the country of origin")
    weight = Decimal(parcel.PackageWeight.Weight)
    if not 0 < weight <= HEAVIEST[unit]:
        raise broken(f"A package weighs more than nothing and at most {HEAVIEST[unit]} {unit}")
    if parcel.Dimensions is None:
        return
    size_unit = parcel.Dimensions.UnitOfMeasurement.Code
    if size_unit != SYSTEMS[unit]:
        raise broken("Weight and size are of different systems of measurement")
    length, width, height = (
        int(one) for one in (parcel.Dimensions.Length, parcel.Dimensions.Width, parcel.Dimensions.Height)
    )
    if length < max(width, height):
        raise broken("The length has to be the longest side")
    if length > LONGEST[size_unit] or length + 2 * (width + height) > LONGEST_WITH_GIRTH[size_unit]:
        raise broken("The package is too large")
    cubic_centimetres = length * width * height * (MILLIMETRES[size_unit] / 10) ** 3
    if not cubic_centimetres or not is_plausible(float(weight * GRAMS[unit]), float(cubic_centimetres)):
        raise broken("No parcel: are the weight and the size in these units?")


def _check_customs(shipment: Consignment, *, abroad: bool) -> None:
    origin, destination = shipment.Shipper.Address.CountryCode, shipment.ShipTo.Address.CountryCode
    if abroad and shipment.Description is None:
        raise broken("A description of goods is needed")
    forms = shipment.forms
    if forms is None:
        if needs_declaration(origin, destination):
            raise broken("Goods on this way are declared: an international form is needed")
        return
    duties_ours = len(shipment.PaymentInformation.ShipmentCharge) > 1
    if (forms.TermsOfShipment == "DDP") is not duties_ours:
        raise broken("DDP and a charge for duties and taxes (02) belong together")
    if any(not Decimal(one.Unit.Value) for one in forms.Product):
        raise broken("A product is worth more than nothing")
    if origin == "US" and destination in {"CA", "PR"} and shipment.InvoiceLineTotal is None:
        raise broken("Missing invoice line total")
    if destination in EU and (shipment.ShipperType is None or shipment.ConsigneeType is None):
        raise broken("Missing shipper type or consignee type")
    if destination in EU and any(not one.CommodityFieldSpecialConditionCode for one in forms.Product):
        raise broken("Missing product identifier, or the code that there is none")
    _check_tax_numbers(shipment)


def _check_tax_numbers(shipment: Consignment) -> None:
    given = shipment.GlobalTaxInformation
    for agent in given.AgentTaxIdentificationNumber if given else ():
        for one in agent.TaxIdentificationNumber:
            if agent.AgentRole == "30" and one.IDNumberTypeCode not in {"1002", "1005", "0005"}:
                raise broken("The type of a consignee's identification number is not valid")


def _check_label(asked: ConsignmentAsked) -> None:
    wanted = asked.LabelSpecification
    if wanted.LabelImageFormat.Code == "PDF":
        raise broken("Invalid label image format: a shipment's label is GIF or ZPL here")
    if wanted.LabelImageFormat.Code == "GIF" and not wanted.HTTPUserAgent:
        raise broken("Missing HTTPUserAgent")
