"""Our words to EasyPost's and back, as pure functions: grams to ounces, millimetres to inches."""

import re
from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Final

import httpx

from shipping_service.adapters.carriers.easypost import codes, wire
from shipping_service.domain.consignment import (
    Address,
    BoughtLabel,
    Box,
    ConsignmentRequest,
    CustomsItem,
    Document,
    TaxId,
)
from shipping_service.domain.customs import needs_export_filing
from shipping_service.domain.money import minor_unit, to_minor
from shipping_service.domain.refusal import Remedy
from shipping_service.domain.tax_numbers import issuing_country
from shipping_service.use_cases.ports import CarrierRejected

TENTH: Final = Decimal("0.1")
GRAMS_PER_OUNCE: Final = Decimal("28.349523125")
MM_PER_INCH: Final = Decimal("25.4")

LONGEST_REASON: Final = 200

_CODE = re.compile(r"[A-Z0-9_.]{1,100}")
_INDEX = re.compile(r"\.(\d{1,3})(?=\.|$)")


class UnreadableAnswer(Exception):
    """What came back is not what EasyPost documents. Argument: what is wrong, nothing personal."""


# -- out


def to_ounces(weight_g: int) -> Decimal:
    """Rounded up to a tenth: a label for too little weight is charged again later."""
    return (weight_g / GRAMS_PER_OUNCE).quantize(TENTH, ROUND_CEILING)


def to_inches(length_mm: int) -> Decimal:
    """Rounded up to a tenth."""
    return (length_mm / MM_PER_INCH).quantize(TENTH, ROUND_CEILING)


def to_create_shipment(
    request: ConsignmentRequest, *, label_format: str, customs_signer: str | None
) -> wire.CreateShipment:
    """The shipment with all that decides about rates, customs and the label.

    Raises CarrierRejected for what EasyPost takes and the carrier then refuses at the purchase.
    """
    return wire.CreateShipment(
        shipment=wire.NewShipment(
            reference=request.reference,
            to_address=_address(request.ship_to),
            from_address=_address(request.ship_from),
            parcel=_parcel(request.box, request.customs),
            customs_info=_customs_info(request, customs_signer) if request.customs else None,
            options=wire.Options(label_format=label_format, incoterm=request.incoterm),
            tax_identifiers=tuple(_tax_identifier(one, request) for one in request.tax_ids) or None,
        )
    )


def to_rate(shipment: wire.Shipment, service: str) -> wire.Rate:
    """The cheapest rate of the service, which is `carrier:service`, e.g. `USPS:GroundAdvantage`.

    Raises CarrierRejected, naming the services that there are.
    """
    rates = [rate for rate in shipment.rates if _service(rate) == service]
    if rates:
        return min(rates, key=lambda rate: rate.rate)
    if shipment.rates:
        offered = ", ".join(sorted({_service(rate) for rate in shipment.rates}))
        raise CarrierRejected(f"service_not_offered: {offered}"[:LONGEST_REASON], "service")
    reasons = ", ".join(
        sorted({f"{one.carrier or 'easypost'} {one.type or 'refused'}" for one in shipment.messages})
    )
    raise CarrierRejected(
        f"no_rates: {reasons or 'no reason given'}"[:LONGEST_REASON],
        words=_words(
            f"{one.carrier or 'easypost'}: {one.message}" for one in shipment.messages if one.message
        ),
    )


def _service(rate: wire.Rate) -> str:
    return f"{rate.carrier}:{rate.service}"


def _address(address: Address) -> wire.Address:
    """EasyPost has two lines; what is beyond them goes into the second."""
    return wire.Address(
        name=address.name,
        company=address.company,
        street1=address.lines[0] if address.lines else "",
        street2=", ".join(address.lines[1:]) or None,
        city=address.city,
        state=address.province,
        zip=address.postal_code,
        country=address.country,
        phone=address.phone,
        email=address.email,
    )


def _parcel(box: Box, customs: tuple[CustomsItem, ...]) -> wire.Parcel:
    """The size goes out whole or not at all. Lines rounded up must not outweigh the parcel around them."""
    contents = sum((_line_ounces(item) for item in customs), Decimal(0))
    sides = [box.length_mm, box.width_mm, box.height_mm]
    length, width, height = (
        [float(to_inches(side)) for side in sides if side is not None]
        if None not in sides
        else (None, None, None)
    )
    return wire.Parcel(
        weight=float(max(to_ounces(box.weight_g), contents)), length=length, width=width, height=height
    )


def _line_ounces(item: CustomsItem) -> Decimal:
    return to_ounces(item.unit_weight_g * item.units)


def _customs_info(request: ConsignmentRequest, signer: str | None) -> wire.CustomsInfo:
    for name, address in (("ship_to", request.ship_to), ("ship_from", request.ship_from)):
        if not (address.phone or "").strip():
            raise CarrierRejected("phone_needed_for_customs", f"{name}.phone")
    return wire.CustomsInfo(
        contents_type="merchandise",
        customs_certify=True,
        customs_signer=signer or request.ship_from.name or request.ship_from.company,
        eel_pfc=_export_exemption(request),
        non_delivery_option="return",
        restriction_type="none",
        customs_items=tuple(_customs_item(item) for item in request.customs),
    )


def _customs_item(item: CustomsItem) -> wire.CustomsItem:
    value = (item.unit_value * item.units).quantize(minor_unit(item.currency), ROUND_HALF_UP)
    return wire.CustomsItem(
        description=item.description,
        quantity=item.units,
        value=float(value),
        weight=float(_line_ounces(item)),
        hs_tariff_number=item.hs_code,
        origin_country=item.origin_country,
        currency=item.currency,
        code=item.sku,
    )


def _export_exemption(request: ConsignmentRequest) -> str | None:
    """Why an export from the US needs no filing; None from elsewhere. EasyPost's text replaces none."""
    origin, destination = request.ship_from.country, request.ship_to.country
    if needs_export_filing(origin, destination, request.customs):
        raise CarrierRejected("export_filing_needed", "customs")
    if origin != "US":
        return None
    return "NOEEI 30.36" if destination == "CA" else "NOEEI 30.37(a)"


def _tax_identifier(tax_id: TaxId, request: ConsignmentRequest) -> wire.TaxIdentifier:
    party = request.ship_from if tax_id.of_sender else request.ship_to
    kind = tax_id.kind.upper()
    return wire.TaxIdentifier(
        entity="SENDER" if tax_id.of_sender else "RECEIVER",
        tax_id=tax_id.value,
        tax_id_type=kind,
        issuing_country=issuing_country(tax_id, party.country),
    )


# -- back


def to_bought_label(shipment: wire.Shipment, documents: tuple[Document, ...]) -> BoughtLabel:
    """Raises UnreadableAnswer for a label without a number or a rate."""
    rate = shipment.selected_rate
    if rate is None or not shipment.tracking_code:
        raise UnreadableAnswer("a bought shipment without a rate or a tracking code")
    cost_minor, exponent = to_minor(rate.rate, rate.currency)
    tracker = shipment.tracker
    return BoughtLabel(
        carrier_ref=shipment.id,
        carrier=codes.CARRIERS.get(rate.carrier, rate.carrier),
        service=rate.service,
        tracking_number=shipment.tracking_code,
        tracking_url=tracker.public_url if tracker else None,
        cost_minor=cost_minor,
        cost_currency=rate.currency,
        cost_exponent=exponent,
        documents=documents,
        tracker_ref=tracker.id if tracker else None,
    )


def to_refusal(status: int, error: wire.ErrorAnswer | None) -> CarrierRejected:
    """Their code and words, our name of the first field they name that is ours, and what mends it."""
    remedy = Remedy.FIX_ACCOUNT if status == httpx.codes.PAYMENT_REQUIRED else None
    if error is None:
        return CarrierRejected(f"http_{status}", remedy=remedy)
    told = error.error
    named = [one for one in told.errors or () if isinstance(one, wire.FieldError)]
    words = _words(
        [told.message, *(one if isinstance(one, str) else one.message for one in told.errors or ())]
    )
    if not _CODE.fullmatch(told.code):
        return CarrierRejected(f"http_{status}", remedy=remedy, words=words)
    return CarrierRejected(
        told.code,
        next((ours for one in named if one.field and (ours := to_field(one.field))), None),
        remedy=codes.REMEDIES.get(told.code, remedy),
        words=words,
    )


def _words(texts: Iterable[str | None]) -> str | None:
    """Each said once; what they repeat at the field they have said before."""
    return " | ".join(dict.fromkeys(one for one in texts if one)) or None


def to_field(theirs: str) -> str | None:
    """`customs_info.customs_items.1.value` is `customs.1.unit_value`; None when it is nothing of ours."""
    path = theirs.removeprefix("shipment.")
    ours = codes.FIELDS.get(_INDEX.sub(".*", path))
    index = _INDEX.search(path)
    return ours.replace("*", index[1]) if ours and index else ours
