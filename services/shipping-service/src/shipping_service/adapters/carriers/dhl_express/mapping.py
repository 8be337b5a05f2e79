"""Our words to MyDHL's and back, as pure functions: grams to kilograms, millimetres to centimetres.

Lengths and required fields are those of its OpenAPI document (see codes.py). What it would refuse is refused
here, before anything is sent, with our name of the field.
"""

import base64
import binascii
import re
import textwrap
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Final

from shipping_service.adapters.carriers.dhl_express import codes, wire
from shipping_service.adapters.carriers.dhl_express.settings import DhlExpressSettings
from shipping_service.domain.consignment import (
    Address,
    BoughtLabel,
    Box,
    ConsignmentRequest,
    CustomsItem,
    Document,
    DocumentKind,
    TaxId,
    media_type_of,
)
from shipping_service.domain.customs import needs_export_filing
from shipping_service.domain.money import to_minor
from shipping_service.domain.tax_numbers import issuing_country
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierRejected

THOUSANDTH: Final = Decimal("0.001")
MOST_ADDRESS_LINES: Final = 3
LONGEST_ADDRESS_LINE: Final = 45
LONGEST_DESCRIPTION: Final = 70
LONGEST_LINE_DESCRIPTION: Final = 512
LONGEST_REFERENCE: Final = 35

#: A sale to a buyer, in the words of `exportReasonType` and `shipmentType`.
SALE: Final = "commercial_purpose_or_sale"
COMMERCIAL: Final = "commercial"

#: Where nothing is declared it decides nothing, but every shipment has to name one.
NO_DUTIES: Final = "DAP"

_SERVICE = re.compile(r"([A-Z0-9]{1,6})(?::([A-Z0-9]{1,3}))?")
_NUMBER = re.compile(r"\s*(\d{2,6}):")
_POINTER = re.compile(r"#((?:/\w+)*)(?:: required key \[(\w+)\])?")
_LINE = re.compile(r"/lineitems/(\d{1,3})")
_SCHEMA_WORDS = re.compile(
    r"expected (?:max|min)Length: \d{1,6}, actual: \d{1,6}|required key \[\w{1,40}\] not found"
    r"|extraneous key \[\w{1,40}\] is not permitted"
)


class UnreadableAnswer(Exception):
    """What came back is not what MyDHL documents. Argument: what is wrong, nothing personal."""


class ProcessFailure(Exception):
    """They say that something of theirs failed: whether the shipment was sold is not known."""


# -- out


def to_reference(reference: str) -> str:
    """Ours without the dashes of its id: 35 characters are too few for all of it."""
    return _within(reference.replace("-", ""), LONGEST_REFERENCE, "reference")


def to_create_shipment(
    request: ConsignmentRequest, settings: DhlExpressSettings, now: datetime
) -> wire.CreateShipment:
    """The whole shipment: what is sold, by whom it is paid, and what comes back with it.

    Raises CarrierRejected for what DHL would refuse, CarrierMisconfigured when duties are ours to pay and
    there is no account for them.
    """
    product, local_product = _product(request.service)
    incoterm = _incoterm(request)
    return wire.CreateShipment(
        plannedShippingDateAndTime=_planned(now, settings),
        pickup=wire.Pickup(isRequested=False),
        productCode=product,
        localProductCode=local_product,
        getRateEstimates=True,
        accounts=_accounts(incoterm, settings),
        valueAddedServices=(wire.ValueAddedService(serviceCode="DD"),) if incoterm == "DDP" else None,
        outputImageProperties=_images(request, settings),
        customerReferences=(wire.CustomerReference(typeCode="CU", value=to_reference(request.reference)),),
        customerDetails=wire.CustomerDetails(
            shipperDetails=_party(request.ship_from, "ship_from", request),
            receiverDetails=_party(request.ship_to, "ship_to", request),
        ),
        content=_content(request, incoterm, settings, now),
    )


def _product(service: str) -> tuple[str, str | None]:
    """`P`, or with the local code that some countries have for it, `P:S`."""
    found = _SERVICE.fullmatch(service)
    if found is None:
        raise CarrierRejected("unknown_service", "service")
    return found[1], found[2]


def _incoterm(request: ConsignmentRequest) -> str:
    if not request.customs:
        return NO_DUTIES
    if request.incoterm is None:
        raise CarrierRejected("missing_incoterm", "incoterm")
    return request.incoterm


def _planned(now: datetime, settings: DhlExpressSettings) -> str:
    """Local time with its offset: `2026-06-10T17:00:00 GMT+08:00`."""
    at = (now + settings.leaves_after).astimezone(settings.zone).isoformat(timespec="seconds")
    return f"{at[:19]} GMT{at[19:]}"


def _accounts(incoterm: str, settings: DhlExpressSettings) -> tuple[wire.Account, ...]:
    ours = wire.Account(typeCode="shipper", number=settings.account_number)
    if incoterm != "DDP":
        return (ours,)
    if settings.duties_account_number is None:
        raise CarrierMisconfigured("DDP is asked for: CARRIER_DHL_EXPRESS_DUTIES_ACCOUNT_NUMBER is empty")
    return (ours, wire.Account(typeCode="duties-taxes", number=settings.duties_account_number))


def _images(request: ConsignmentRequest, settings: DhlExpressSettings) -> wire.OutputImageProperties:
    label = wire.ImageOption(
        typeCode="label", templateName=settings.label_template, isRequested=True, invoiceType=None
    )
    invoice = wire.ImageOption(
        typeCode="invoice",
        templateName="COMMERCIAL_INVOICE_P_10",
        isRequested=True,
        invoiceType="commercial",
    )
    return wire.OutputImageProperties(
        printerDPI=int(settings.label_dpi),
        encodingFormat=settings.label_format.lower(),
        imageOptions=(label, invoice) if request.customs else (label,),
        splitInvoiceAndReceipt=True,
    )


def _party(address: Address, field: str, request: ConsignmentRequest) -> wire.Party:
    """DHL wants a company, a name and a phone on both sides; a private buyer is both names."""
    company, name = address.company or address.name, address.name or address.company
    if not company or not name:
        raise CarrierRejected("missing_name", f"{field}.name")
    if not (address.phone or "").strip():
        raise CarrierRejected("missing_phone", f"{field}.phone")
    if not address.city:
        raise CarrierRejected("missing_city", f"{field}.city")
    first, *more = _address_lines(address.lines, f"{field}.lines")
    return wire.Party(
        postalAddress=wire.PostalAddress(
            postalCode=_within(address.postal_code or "", 12, f"{field}.postal_code"),
            cityName=_within(address.city, LONGEST_ADDRESS_LINE, f"{field}.city"),
            countryCode=address.country,
            provinceCode=_within(address.province, 35, f"{field}.province") if address.province else None,
            addressLine1=first,
            addressLine2=more[0] if more else None,
            addressLine3=more[1] if len(more) > 1 else None,
        ),
        contactInformation=wire.ContactInformation(
            phone=_within(address.phone or "", 70, f"{field}.phone"),
            companyName=_within(company, 100, f"{field}.company"),
            fullName=_within(name, 255, f"{field}.name"),
            email=_within(address.email, 70, f"{field}.email") if address.email else None,
        ),
        registrationNumbers=tuple(
            _registration(one, number, address)
            for number, one in enumerate(request.tax_ids)
            if _holder(one) == field
        )
        or None,
    )


def _address_lines(lines: tuple[str, ...], field: str) -> list[str]:
    """One to three: as they are where they fit; else broken anew between words, never cut."""
    given = [one.strip() for one in lines if one.strip()]
    if not given:
        raise CarrierRejected("missing_address", field)
    if _fit(given):
        return given
    broken = textwrap.wrap(
        ", ".join(given), LONGEST_ADDRESS_LINE, break_long_words=False, break_on_hyphens=False
    )
    if not _fit(broken):
        raise CarrierRejected("too_long", field)
    return broken


def _fit(lines: list[str]) -> bool:
    return len(lines) <= MOST_ADDRESS_LINES and all(len(one) <= LONGEST_ADDRESS_LINE for one in lines)


def _holder(tax_id: TaxId) -> str:
    overseas = codes.REGISTRATIONS.get(tax_id.kind.upper()) == codes.OVERSEAS_SELLER
    return "ship_from" if tax_id.of_sender or overseas else "ship_to"


def _registration(tax_id: TaxId, number: int, holder: Address) -> wire.RegistrationNumber:
    kind = tax_id.kind.upper()
    if kind not in codes.REGISTRATIONS:
        raise CarrierRejected("tax_number_of_unknown_kind", f"tax_ids.{number}.kind")
    return wire.RegistrationNumber(
        typeCode=codes.REGISTRATIONS[kind],
        number=_within(tax_id.value, LONGEST_REFERENCE, f"tax_ids.{number}.value"),
        issuerCountryCode=codes.ISSUERS.get(kind) or issuing_country(tax_id, holder.country),
    )


def _content(
    request: ConsignmentRequest, incoterm: str, settings: DhlExpressSettings, now: datetime
) -> wire.Content:
    declared = _declared_value(request)
    return wire.Content(
        packages=(_package(request.box, request.customs),),
        isCustomsDeclarable=bool(request.customs),
        declaredValue=None if declared is None else float(declared),
        declaredValueCurrency=request.customs[0].currency if request.customs else None,
        description=_summary(request.customs) or settings.contents,
        incoterm=incoterm,
        unitOfMeasurement="metric",
        exportDeclaration=_export_declaration(request, settings, now) if request.customs else None,
    )


def _package(box: Box, customs: tuple[CustomsItem, ...]) -> wire.Package:
    """The size goes out whole or not at all. Lines of a gram at least must not outweigh their parcel."""
    goods_g = sum(item.unit_weight_g * item.units for item in customs)
    dimensions = None
    if box.length_mm is not None and box.width_mm is not None and box.height_mm is not None:
        dimensions = wire.Dimensions(
            length=to_centimetres(box.length_mm),
            width=to_centimetres(box.width_mm),
            height=to_centimetres(box.height_mm),
        )
    return wire.Package(weight=to_kilograms(max(box.weight_g, goods_g)), dimensions=dimensions)


def to_kilograms(weight_g: int) -> float:
    """Exactly: three decimals are grams."""
    return float(weight_g * THOUSANDTH)


def to_centimetres(length_mm: int) -> int:
    """Rounded up: a parcel measured larger is charged again later."""
    return -(-length_mm // 10)


def _declared_value(request: ConsignmentRequest) -> Decimal | None:
    """What the lines add up to; None where nothing is declared. One currency stands for all lines."""
    if not request.customs:
        return None
    if len({item.currency for item in request.customs}) > 1:
        raise CarrierRejected("one_currency_needed", "customs")
    return sum((_price(item) * item.units for item in request.customs), Decimal(0))


def _price(item: CustomsItem) -> Decimal:
    """Of one unit, rounded up to the three decimals that there are."""
    return item.unit_value.quantize(THOUSANDTH, ROUND_UP)


def _summary(customs: tuple[CustomsItem, ...]) -> str:
    """What is in the parcel, shortened between words; each line carries its own text whole."""
    texts = dict.fromkeys(item.description for item in customs)
    return textwrap.shorten(", ".join(texts), LONGEST_DESCRIPTION, placeholder=" ...").lstrip()


def _export_declaration(
    request: ConsignmentRequest, settings: DhlExpressSettings, now: datetime
) -> wire.ExportDeclaration:
    if needs_export_filing(request.ship_from.country, request.ship_to.country, request.customs):
        raise CarrierRejected("export_filing_needed", "customs")
    return wire.ExportDeclaration(
        lineItems=tuple(_line_item(number, item) for number, item in enumerate(request.customs)),
        invoice=wire.Invoice(
            number=to_reference(request.reference),
            date=now.astimezone(settings.zone).date().isoformat(),
            signatureName=settings.invoice_signer,
        ),
        exportReasonType=SALE,
        shipmentType=COMMERCIAL,
    )


def _line_item(number: int, item: CustomsItem) -> wire.LineItem:
    return wire.LineItem(
        number=number + 1,
        description=_within(item.description, LONGEST_LINE_DESCRIPTION, f"customs.{number}.description"),
        price=float(_price(item)),
        quantity=wire.Quantity(value=item.units, unitOfMeasurement="PCS"),
        commodityCodes=(wire.CommodityCode(typeCode="outbound", value=item.hs_code),),
        exportReasonType=SALE,
        manufacturerCountry=item.origin_country,
        weight=wire.LineWeight(netValue=to_kilograms(item.unit_weight_g * item.units)),
    )


def _within(text: str, most: int, field: str) -> str:
    if len(text) > most:
        raise CarrierRejected("too_long", field)
    return text


# -- back


def to_bought_label(created: wire.ShipmentCreated, service: str) -> BoughtLabel:
    """Raises UnreadableAnswer for a document that is not what it claims to be, or no label at all."""
    documents = tuple(_document(one) for one in created.documents if one.typeCode in codes.DOCUMENTS)
    if all(one.kind is not DocumentKind.LABEL for one in documents):
        raise UnreadableAnswer("no label")
    # The rows are the same price in several currencies: one of them, never their sum.
    charge = next((one for one in created.shipmentCharges if one.currencyType == "BILLC"), None)
    cost_minor, exponent = (None, None) if charge is None else to_minor(charge.price, charge.priceCurrency)
    return BoughtLabel(
        carrier_ref=created.shipmentTrackingNumber,
        carrier="dhl_express",
        service=service,
        tracking_number=created.shipmentTrackingNumber,
        tracking_url=None,
        cost_minor=cost_minor,
        cost_currency=None if charge is None else charge.priceCurrency,
        cost_exponent=exponent,
        documents=documents,
    )


def _document(given: wire.ShipmentDocument) -> Document:
    try:
        content = base64.b64decode("".join(given.content.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableAnswer(f"the {given.typeCode} is no base64") from error
    media_type = media_type_of(content)
    if media_type is None or media_type != codes.MEDIA_TYPES.get(given.imageFormat.upper()):
        raise UnreadableAnswer(f"the {given.typeCode} is not what it claims to be")
    return Document(codes.DOCUMENTS[given.typeCode], media_type, content)


def to_refusal(status: int, problem: wire.Problem) -> CarrierRejected | CarrierMisconfigured:
    """Their number or the rule that was broken, our name of the first field they point at, and their words.

    Raises ProcessFailure when it is none of our making.
    """
    texts = [problem.detail, *problem.additionalDetails]
    number = next((found[1] for found in map(_NUMBER.match, texts) if found), None)
    pointers = [pointer for text in texts for pointer in _pointers(text)]
    if number == codes.PROCESS_FAILURE:
        raise ProcessFailure(number)
    if number in codes.ACCOUNT_REFUSED or (
        number not in codes.REFUSALS and any(one.startswith("/accounts") for one in pointers)
    ):
        return CarrierMisconfigured(
            f"dhl_express refused our account ({number or status}): look at "
            "CARRIER_DHL_EXPRESS_ACCOUNT_NUMBER and ..._DUTIES_ACCOUNT_NUMBER"
        )
    field = next((found for found in map(to_field, pointers) if found), None)
    words = " | ".join(texts)
    if number is not None:
        known = codes.REFUSALS.get(number)
        if known is None:
            return CarrierRejected(number, field, words=words)
        code = f"{number}: {known.says}"
        return CarrierRejected(code, field or known.field, remedy=known.remedy, words=words)
    broken = next((found[0] for found in map(_SCHEMA_WORDS.search, texts) if found), None)
    if broken is not None:
        return CarrierRejected(f"invalid: {broken}", field, words=words)
    return CarrierRejected("invalid" if field else f"http_{status}", field, words=words)


def _pointers(text: str) -> list[str]:
    """`#/a/b: required key [c] not found` points at `/a/b/c`."""
    return [path + (f"/{key}" if key else "") for path, key in _POINTER.findall(text)]


def to_field(pointer: str) -> str | None:
    """`/content/exportDeclaration/lineItems/1/price` is `customs.1.unit_value`; None: nothing of ours."""
    path = pointer.lower()
    line = _LINE.search(path)
    parts = ["*" if part.isdecimal() else part for part in path.strip("/").split("/")]
    for length in range(len(parts), 0, -1):
        ours = codes.FIELDS.get("/".join(parts[:length]))
        if ours is not None:
            return ours.replace("*", line[1]) if line else ours
    return None
