"""What customs is told: the invoice that UPS makes, and whose tax numbers are which."""

import textwrap
from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Final

from shipping_service.adapters.carriers.ups import codes, wire
from shipping_service.domain.consignment import ConsignmentRequest, CustomsItem, TaxId
from shipping_service.domain.customs import needs_export_filing
from shipping_service.domain.tax_numbers import issuing_country
from shipping_service.use_cases.ports import CarrierRejected

MOST_LINES: Final = 50
MOST_DESCRIPTION_LINES: Final = 3
LONGEST_TEXT: Final = 35
LONGEST_SUMMARY: Final = 50
LONGEST_UNITS: Final = 7
LONGEST_HS_CODE: Final = 15
LONGEST_TOTAL: Final = 11
LEAST_TOTAL: Final = Decimal(1)
HUNDREDTH: Final = Decimal("0.01")


def summary(customs: Sequence[CustomsItem]) -> str:
    """What is in the parcel, shortened between words; each line carries its own text whole."""
    texts = dict.fromkeys(item.description for item in customs)
    return textwrap.shorten(", ".join(texts), LONGEST_SUMMARY, placeholder=" ...").lstrip()


def to_forms(
    request: ConsignmentRequest, consignee: wire.Party, number: str, now: datetime, *, into_eu: bool
) -> wire.Forms:
    """A commercial invoice, sent along also where the account's invoices go without paper.

    Raises CarrierRejected.
    """
    if request.incoterm is None:
        raise CarrierRejected("missing_incoterm", "incoterm")
    if request.incoterm not in codes.INCOTERMS:
        raise CarrierRejected("unknown_incoterm", "incoterm")
    if len(request.customs) > MOST_LINES:
        raise CarrierRejected("too_many_lines", "customs")
    if len({item.currency for item in request.customs}) > 1:
        raise CarrierRejected("one_currency_needed", "customs")
    if needs_export_filing(request.ship_from.country, request.ship_to.country, request.customs):
        raise CarrierRejected("export_filing_needed", "customs")
    return wire.Forms(
        FormType=(codes.COMMERCIAL_INVOICE,),
        OverridePaperlessIndicator=wire.PRESENT,
        Contacts=wire.Buyer(SoldTo=consignee),
        Product=tuple(_line(place, item, into_eu=into_eu) for place, item in enumerate(request.customs)),
        InvoiceNumber=number,
        InvoiceDate=now.strftime("%Y%m%d"),
        TermsOfShipment=request.incoterm,
        ReasonForExport=codes.SALE,
        CurrencyCode=request.customs[0].currency,
    )


def _line(place: int, item: CustomsItem, *, into_eu: bool) -> wire.Line:
    field = f"customs.{place}"
    description = textwrap.wrap(item.description, LONGEST_TEXT, break_long_words=False)
    if len(description) > MOST_DESCRIPTION_LINES or any(len(one) > LONGEST_TEXT for one in description):
        raise CarrierRejected("too_long", f"{field}.description")
    return wire.Line(
        Description=tuple(description),
        Unit=wire.Units(
            Number=_within(str(item.units), LONGEST_UNITS, f"{field}.units"),
            UnitOfMeasurement=wire.Code(Code=codes.PIECES),
            Value=f"{item.unit_value:f}",
        ),
        CommodityCode=_within(item.hs_code.replace(".", ""), LONGEST_HS_CODE, f"{field}.hs_code"),
        PartNumber=_within(item.sku, LONGEST_TEXT, f"{field}.sku"),
        OriginCountryCode=item.origin_country,
        CommodityFieldSpecialConditionCode=codes.NO_PRODUCT_NUMBER if into_eu else None,
    )


def to_invoice_total(request: ConsignmentRequest) -> wire.Money | None:
    """UPS wants it from the US to Canada and Puerto Rico, one at least; rounded up to hundredths."""
    wanted = request.ship_from.country == "US" and request.ship_to.country in codes.INVOICE_TOTAL_NEEDED
    if not request.customs or not wanted:
        return None
    total = sum((item.unit_value * item.units for item in request.customs), Decimal(0))
    amount = f"{max(total, LEAST_TOTAL).quantize(HUNDREDTH, ROUND_UP):f}"
    return wire.Money(
        CurrencyCode=request.customs[0].currency,
        MonetaryValue=_within(amount, LONGEST_TOTAL, "customs"),
    )


def to_vendor(request: ConsignmentRequest, consignee_kind: str) -> wire.Vendor | None:
    """The number of a seller from abroad who charges the tax at the sale. UPS takes one."""
    numbers = [
        (place, code)
        for place, one in enumerate(request.tax_ids)
        if (code := _vendor_code(one, request.ship_to.country)) is not None
    ]
    if not numbers:
        return None
    place, code = numbers[0]
    if len(numbers) > 1:
        raise CarrierRejected("one_seller_number_only", f"tax_ids.{numbers[1][0]}.kind")
    return wire.Vendor(
        VendorCollectIDTypeCode=code,
        VendorCollectIDNumber=_within(request.tax_ids[place].value, LONGEST_TEXT, f"tax_ids.{place}.value"),
        ConsigneeType=consignee_kind,
    )


def _vendor_code(tax_id: TaxId, destination: str) -> str | None:
    kind = tax_id.kind.upper()
    if kind == "GST" and tax_id.of_sender:
        return codes.VENDOR_GST.get(destination)
    return codes.VENDOR_NUMBERS.get(kind)


def to_tax_numbers(request: ConsignmentRequest) -> wire.TaxNumbers | None:
    """All others, by whose they are. Raises CarrierRejected for a kind that UPS has no type for."""
    by_holder = {True: list[wire.TaxNumber](), False: list[wire.TaxNumber]()}
    for place, one in enumerate(request.tax_ids):
        if _vendor_code(one, request.ship_to.country) is None:
            by_holder[one.of_sender].append(_tax_number(place, one, request))
    agents = tuple(
        wire.TaxNumbersOfOne(AgentRole=agent, TaxIdentificationNumber=tuple(by_holder[of_sender]))
        for of_sender, (agent, _) in ((True, codes.OF_SENDER), (False, codes.OF_CONSIGNEE))
        if by_holder[of_sender]
    )
    return wire.TaxNumbers(AgentTaxIdentificationNumber=agents) if agents else None


def _tax_number(place: int, tax_id: TaxId, request: ConsignmentRequest) -> wire.TaxNumber:
    kind = codes.TAX_NUMBERS.get(tax_id.kind.upper())
    if kind is None:
        raise CarrierRejected("tax_number_of_unknown_kind", f"tax_ids.{place}.kind")
    holder = request.ship_from if tax_id.of_sender else request.ship_to
    _, customer = codes.OF_SENDER if tax_id.of_sender else codes.OF_CONSIGNEE
    return wire.TaxNumber(
        IdentificationNumber=_within(tax_id.value, LONGEST_TEXT, f"tax_ids.{place}.value"),
        IDNumberCustomerRole=customer,
        IDNumberEncryptionIndicator="0",
        IDNumberIssuingCntryCd=issuing_country(tax_id, holder.country),
        IDNumberPurposeCode=kind.purpose,
        IDNumberTypeCode=kind.type,
    )


def _within(text: str, most: int, field: str) -> str:
    if len(text) > most:
        raise CarrierRejected("too_long", field)
    return text
