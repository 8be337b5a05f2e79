"""UPS's words and ours.

Source: UPS-API/api-documentation, Shipping.yaml (v2409), read 2026-11-22; errors: its OAuthClientCredentials
and Tracking documents and its issues 8 and 123; 111210 as public integrations record it.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from shipping_service.domain.refusal import Remedy

#: Own packaging, whatever the service.
OWN_PACKAGING: Final = "02"
COMMERCIAL_INVOICE: Final = "01"
TRANSPORT, DUTIES_AND_TAXES = "01", "02"
BUSINESS, CONSUMER = "01", "02"
PIECES: Final = "PCS"
SALE: Final = "SALE"
#: An invoice line without a product number that the EU knows says so.
NO_PRODUCT_NUMBER: Final = "01"

#: What `ImageFormat` claims.
MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"PDF": "application/pdf", "ZPL": "application/zpl", "GIF": "image/gif"}
)

INCOTERMS: Final = frozenset(
    {"CFR", "CIF", "CIP", "CPT", "DAF", "DAP", "DDP", "DDU", "DEQ", "DES", "EXW", "FAS", "FCA", "FOB"}
)

#: Between places of one of these a reference belongs to the package, else to the shipment.
PACKAGE_REFERENCE_WITHIN: Final = frozenset({"US", "PR"})
PROVINCE_NEEDED: Final = frozenset({"US", "CA", "VN"})
BARE_POSTAL_CODE: Final = frozenset({"US", "PR", "CA"})
#: Phone numbers go without the country's 1.
NORTH_AMERICAN_PHONES: Final = frozenset({"US", "PR", "CA", "VI"})
INVOICE_TOTAL_NEEDED: Final = frozenset({"CA", "PR"})

#: The label's letters: UPS's name of a set of them, and Python's. There is none for Chinese. The sets behind
#: Greek and the Baltic languages are not confirmed: UPS's text calls them Latin-2.
CHARACTER_SETS: Final = (
    ("eng", "iso8859-1"),
    ("pol", "iso8859-2"),
    ("tur", "iso8859-9"),
    ("rus", "iso8859-5"),
    ("ell", "iso8859-7"),
    ("lit", "iso8859-13"),
)

#: Numbers of those who sell from abroad and charge the tax at the sale.
VENDOR_NUMBERS: Final[Mapping[str, str]] = MappingProxyType(
    {"IOSS": "0356", "VOEC": "0357", "PVA": "0359", "ARN": "1052", "IRD": "1053", "LVG": "1054"}
)
#: A sender's GST number is one of them in these countries.
VENDOR_GST: Final[Mapping[str, str]] = MappingProxyType({"SG": "1051", "NZ": "1053"})


class TaxNumberKind(NamedTuple):
    """`type`: of a company, or of a person. `purpose`: customs, or customs with an EORI number."""

    type: str
    purpose: str = "01"


#: Our kinds of tax numbers and theirs. A kind that is not listed is refused, because a parcel without a
#: number that customs wants is stopped there.
TAX_NUMBERS: Final[Mapping[str, TaxNumberKind]] = MappingProxyType(
    {
        "VAT": TaxNumberKind("1002"),
        "GST": TaxNumberKind("1002"),
        "EIN": TaxNumberKind("1002"),
        "CNPJ": TaxNumberKind("1002"),
        "EORI": TaxNumberKind("1002", "02"),
        "SSN": TaxNumberKind("0005"),
        "CPF": TaxNumberKind("0005"),
    }
)
#: Whose number: as agent, and as customer.
OF_SENDER, OF_CONSIGNEE = ("20", "37"), ("30", "18")

#: Our account is wrong or may not use the API, whatever the parcel is.
ACCOUNT_REFUSED: Final = frozenset({"120100", "250002", "250003", "251004"})
#: Slow down, under a status that does not say so.
TOO_FAST: Final = frozenset({"10429"})

VOIDED: Final = "1"
#: How a refused void says that it was done before; its number is not confirmed.
ALREADY_VOIDED: Final = re.compile(r"\balready\b.{0,20}\bvoided\b", re.IGNORECASE)


class Refusal(NamedTuple):
    field: str | None
    remedy: Remedy


REFUSALS: Final[Mapping[str, Refusal]] = MappingProxyType(
    {"111210": Refusal("service", Remedy.CHOOSE_ANOTHER_SERVICE)}
)

#: What their texts call a party, and what of it.
PARTIES: Final[Mapping[str, str]] = MappingProxyType(
    {"shipto": "ship_to", "shipfrom": "ship_from", "shipper": "ship_from"}
)
PARTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "attention name": "name",
        "company name": "company",
        "name": "name",
        "phone": "phone",
        "address line": "lines",
        "city": "city",
        "state": "province",
        "postal code": "postal_code",
        "country": "country",
    }
)
PARTY_IN_TEXT: Final = re.compile(
    rf"^(?:missing or )?invalid (ship ?to|ship ?from|shipper)(?:'s)? (?:\w+ )??({'|'.join(PARTS)})",
    re.IGNORECASE,
)
