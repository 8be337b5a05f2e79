"""Our words to UPS's, as pure functions. What UPS would refuse is refused here, before anything is sent,
with our name of the field; lengths and required fields are those of its Shipping.yaml (see codes.py).
"""

import re
import textwrap
from datetime import datetime
from typing import Final

from shipping_service.adapters.carriers.ups import codes, measures, wire
from shipping_service.adapters.carriers.ups.declaration import (
    summary,
    to_forms,
    to_invoice_total,
    to_tax_numbers,
    to_vendor,
)
from shipping_service.adapters.carriers.ups.settings import UpsSettings
from shipping_service.domain.consignment import Address, ConsignmentRequest
from shipping_service.domain.customs import EU
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierRejected

MOST_ADDRESS_LINES: Final = 3
LONGEST_LINE: Final = 35
LONGEST_CITY: Final = 30
LONGEST_PROVINCE: Final = 5
LONGEST_POSTAL_CODE: Final = 9
LONGEST_PHONE: Final = 15
LONGEST_REFERENCE: Final = 35
AMERICAN_PHONE_DIGITS: Final = 10

#: What a GIF is asked for with; UPS wants a browser's name.
USER_AGENT: Final = "Mozilla/4.5"

_SERVICE = re.compile(r"[0-9]{2}")


def to_reference(reference: str) -> str:
    """Ours in letters and digits: the shipment's id without its dashes, `N`, the label's number."""
    bare = "N".join(re.sub(r"[^0-9A-Za-z]", "", one) for one in reference.split("/"))
    return _within(bare, LONGEST_REFERENCE, "reference")


def to_create_shipment(
    request: ConsignmentRequest, settings: UpsSettings, now: datetime
) -> wire.CreateShipment:
    """The whole shipment: what is sold, who pays, and what comes back with it.

    Raises CarrierRejected for what UPS would refuse, CarrierMisconfigured when duties are ours to pay and
    the account may not be charged for them.
    """
    if _SERVICE.fullmatch(request.service) is None:
        raise CarrierRejected("unknown_service", "service")
    asked = wire.ConsignmentAsked(
        Request=_head(request, "validate"),
        Shipment=_consignment(request, settings, now),
        LabelSpecification=_label(settings, _character_set(request)),
    )
    return wire.CreateShipment(ShipmentRequest=asked)


def to_recover_label(
    request: ConsignmentRequest, settings: UpsSettings, tracking_number: str | None
) -> wire.RecoverLabel:
    """By the number where it is known, else by our reference."""
    reference = wire.ByReference(
        ReferenceNumber=wire.Reference(Value=to_reference(request.reference)),
        ShipperNumber=settings.account_number,
    )
    asked = wire.LabelAsked(
        Request=_head(request, None),
        LabelSpecification=_label(settings, None),
        TrackingNumber=tracking_number,
        ReferenceValues=None if tracking_number else reference,
    )
    return wire.RecoverLabel(LabelRecoveryRequest=asked)


def _head(request: ConsignmentRequest, option: str | None) -> wire.Head:
    context = wire.Context(CustomerContext=to_reference(request.reference))
    return wire.Head(RequestOption=option, TransactionReference=context)


def _label(settings: UpsSettings, character_set: str | None) -> wire.LabelWanted:
    return wire.LabelWanted(
        LabelImageFormat=wire.Code(Code=settings.label_format),
        HTTPUserAgent=USER_AGENT if settings.label_format == "GIF" else None,
        LabelStockSize=wire.StockSize(Height="6", Width="4"),
        CharacterSet=character_set,
    )


def _consignment(request: ConsignmentRequest, settings: UpsSettings, now: datetime) -> wire.Consignment:
    origin, destination = request.ship_from.country, request.ship_to.country
    abroad = origin != destination
    sender = _party(request.ship_from, "ship_from", abroad=abroad)
    consignee = _party(request.ship_to, "ship_to", abroad=abroad)
    references = (wire.Reference(Value=to_reference(request.reference)),)
    on_package = not abroad and origin in codes.PACKAGE_REFERENCE_WITHIN
    into_eu = bool(request.customs) and destination in EU
    invoice = _invoice(request, consignee, now, into_eu=into_eu)
    return wire.Consignment(
        Description=(summary(request.customs) or settings.contents) if abroad else None,
        Shipper=wire.Sender(**dict(sender), ShipperNumber=settings.account_number),
        ShipTo=consignee,
        ShipFrom=wire.Origin(**dict(sender), VendorInfo=to_vendor(request, _kind_of(request.ship_to))),
        PaymentInformation=_payment(request, settings),
        GlobalTaxInformation=to_tax_numbers(request),
        ShipmentRatingOptions=wire.RatingOptions(NegotiatedRatesIndicator=wire.PRESENT),
        ReferenceNumber=None if on_package else references,
        Service=wire.Code(Code=request.service),
        InvoiceLineTotal=to_invoice_total(request),
        ShipperType=codes.BUSINESS if into_eu else None,
        ConsigneeType=_kind_of(request.ship_to) if into_eu else None,
        ShipmentServiceOptions=invoice,
        Package=(
            wire.Parcel(
                Packaging=wire.Code(Code=codes.OWN_PACKAGING),
                Dimensions=measures.to_size(request.box, settings.units),
                PackageWeight=measures.to_weight(request.box.weight_g, settings.units),
                ReferenceNumber=references if on_package else None,
            ),
        ),
    )


def _kind_of(consignee: Address) -> str:
    return codes.BUSINESS if consignee.company else codes.CONSUMER


def _invoice(
    request: ConsignmentRequest, consignee: wire.Party, now: datetime, *, into_eu: bool
) -> wire.ServiceOptions | None:
    if not request.customs:
        return None
    forms = to_forms(request, consignee, to_reference(request.reference), now, into_eu=into_eu)
    return wire.ServiceOptions(InternationalForms=forms)


def _payment(request: ConsignmentRequest, settings: UpsSettings) -> wire.Payment:
    ours = wire.Payer(AccountNumber=settings.account_number)
    charges = [wire.Charge(Type=codes.TRANSPORT, BillShipper=ours)]
    if request.customs and request.incoterm == "DDP":
        if not settings.pays_duties:
            raise CarrierMisconfigured("DDP is asked for: CARRIER_UPS_PAYS_DUTIES is off")
        charges.append(wire.Charge(Type=codes.DUTIES_AND_TAXES, BillShipper=ours))
    return wire.Payment(ShipmentCharge=tuple(charges))


def _party(address: Address, field: str, *, abroad: bool) -> wire.Party:
    """A private person is both names. To another country UPS wants a phone on both sides."""
    company, name = address.company or address.name, address.name or address.company
    if not company or not name:
        raise CarrierRejected("missing_name", f"{field}.name")
    if not address.city:
        raise CarrierRejected("missing_city", f"{field}.city")
    return wire.Party(
        Name=_within(company, LONGEST_LINE, f"{field}.company" if address.company else f"{field}.name"),
        AttentionName=_within(name, LONGEST_LINE, f"{field}.name" if address.name else f"{field}.company"),
        Phone=_phone(address, field, needed=abroad),
        Address=wire.PostalAddress(
            AddressLine=tuple(_address_lines(address.lines, f"{field}.lines")),
            City=_within(address.city, LONGEST_CITY, f"{field}.city"),
            StateProvinceCode=_province(address, field),
            PostalCode=_postal_code(address, field),
            CountryCode=address.country,
        ),
    )


def _phone(address: Address, field: str, *, needed: bool) -> wire.PhoneNumber | None:
    """Digits alone; in North America without the country's 1."""
    digits = re.sub(r"[^0-9]", "", address.phone or "")
    if address.country in codes.NORTH_AMERICAN_PHONES and len(digits) == AMERICAN_PHONE_DIGITS + 1:
        digits = digits.removeprefix("1")
    if not digits and needed:
        raise CarrierRejected("missing_phone", f"{field}.phone")
    return wire.PhoneNumber(Number=_within(digits, LONGEST_PHONE, f"{field}.phone")) if digits else None


def _province(address: Address, field: str) -> str | None:
    """A code, or nothing: where UPS does not need it, a name that is no code stays away."""
    province = (address.province or "").strip()
    if address.country not in codes.PROVINCE_NEEDED:
        return province if 0 < len(province) <= LONGEST_PROVINCE else None
    if not province:
        raise CarrierRejected("missing_province", f"{field}.province")
    return _within(province, LONGEST_PROVINCE, f"{field}.province")


def _postal_code(address: Address, field: str) -> str | None:
    code = (address.postal_code or "").strip()
    if address.country in codes.BARE_POSTAL_CODE:
        code = re.sub(r"[^0-9A-Za-z]", "", code).upper()
        if not code:
            raise CarrierRejected("missing_postal_code", f"{field}.postal_code")
    return _within(code, LONGEST_POSTAL_CODE, f"{field}.postal_code") or None


def _address_lines(lines: tuple[str, ...], field: str) -> list[str]:
    """One to three: as they are where they fit; else broken anew between words, never cut."""
    given = [one.strip() for one in lines if one.strip()]
    if not given:
        raise CarrierRejected("missing_address", field)
    if _fit(given):
        return given
    broken = textwrap.wrap(", ".join(given), LONGEST_LINE, break_long_words=False, break_on_hyphens=False)
    if not _fit(broken):
        raise CarrierRejected("too_long", field)
    return broken


def _fit(lines: list[str]) -> bool:
    return len(lines) <= MOST_ADDRESS_LINES and all(len(one) <= LONGEST_LINE for one in lines)


def _character_set(request: ConsignmentRequest) -> str:
    """The first set that has all letters of both addresses. Raises CarrierRejected where there is none."""
    texts = {
        f"{field}.{part}": text
        for field, address in (("ship_from", request.ship_from), ("ship_to", request.ship_to))
        for part, text in (
            ("name", address.name),
            ("company", address.company),
            ("lines", " ".join(address.lines)),
            ("city", address.city),
        )
        if text
    }
    for name, codec in codes.CHARACTER_SETS:
        if all(_has_letters(codec, text) for text in texts.values()):
            return name
    in_none = (
        field
        for field, text in texts.items()
        if not any(_has_letters(codec, text) for _, codec in codes.CHARACTER_SETS)
    )
    raise CarrierRejected("letters_not_printed", next(in_none, "ship_to"))


def _has_letters(codec: str, text: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _within(text: str, most: int, field: str) -> str:
    if len(text) > most:
        raise CarrierRejected("too_long", field)
    return text
