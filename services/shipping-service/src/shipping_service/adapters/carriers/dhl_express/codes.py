"""MyDHL's words and ours.

Source: the OpenAPI document of MyDHL API 3.1.1 of 2025-11-02 (karrioapi/karrio,
modules/connectors/mydhl/vendors/dpdhl-express-api-3.1.1_swagger.yaml), read 2026-11-22.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from shipping_service.domain.consignment import DocumentKind
from shipping_service.domain.refusal import Remedy

#: Documents that are kept; a shipment receipt or an archive copy is not.
DOCUMENTS: Final[Mapping[str, DocumentKind]] = MappingProxyType(
    {"label": DocumentKind.LABEL, "invoice": DocumentKind.COMMERCIAL_INVOICE}
)

#: What `imageFormat` claims.
MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType({"PDF": "application/pdf", "ZPL": "application/zpl"})

#: Numbers of those who sell from abroad and charge the tax at the sale: IOSS, VOEC and Australia's ARN are
#: one type of DHL's, and always the shipper's.
OVERSEAS_SELLER: Final = "SDT"

#: Our kinds of tax numbers and theirs. A kind that is not listed is refused, because a parcel without a
#: number that customs wants is stopped there.
REGISTRATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "IOSS": OVERSEAS_SELLER,
        "VOEC": OVERSEAS_SELLER,
        "ARN": OVERSEAS_SELLER,
        "VAT": "VAT",
        "GST": "GST",
        "EORI": "EOR",
        "EIN": "EIN",
        "SSN": "SSN",
        "CPF": "CNP",
        "CNPJ": "CNP",
    }
)

#: Who issues a number that does not say so itself and whose holder sits elsewhere.
ISSUERS: Final[Mapping[str, str]] = MappingProxyType({"VOEC": "NO", "ARN": "AU"})


class Meaning(NamedTuple):
    """What a number says, shortened and without a buyer's data; what it is about where their text does not
    point at it; and what mends it.
    """

    says: str
    field: str | None
    remedy: Remedy


#: Refusals by the number at the beginning of `detail`.
REFUSALS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "998": Meaning("time stamp is not well formatted", None, Remedy.UNTRANSLATED),
        "1506": Meaning("image formats do not go together", None, Remedy.FIX_ACCOUNT),
        "7008": Meaning(
            "special service is not available between origin and destination",
            "service",
            Remedy.CHOOSE_ANOTHER_SERVICE,
        ),
        "7120": Meaning("an invoice image is required", "customs", Remedy.FIX_CUSTOMS),
        "7147": Meaning("description matches a keyword, update it", "customs", Remedy.FIX_CUSTOMS),
        "8003": Meaning("account not allowed for this service", "service", Remedy.CHOOSE_ANOTHER_SERVICE),
    }
)

#: Our account is wrong or may not use the API, whatever the parcel is.
ACCOUNT_REFUSED: Final = frozenset({"5032", "5556", "8007"})

#: "Process failure occurred": theirs, whatever the HTTP status beside it.
PROCESS_FAILURE: Final = "999"

_PARTY = (
    ("postaladdress/addressline1", "lines"),
    ("postaladdress/addressline2", "lines"),
    ("postaladdress/addressline3", "lines"),
    ("postaladdress/cityname", "city"),
    ("postaladdress/provincecode", "province"),
    ("postaladdress/postalcode", "postal_code"),
    ("postaladdress/countrycode", "country"),
    ("contactinformation/fullname", "name"),
    ("contactinformation/companyname", "company"),
    ("contactinformation/phone", "phone"),
    ("contactinformation/email", "email"),
)

#: Where a field of theirs comes from, in lower case because their texts spell it both ways; `*` stands for a
#: place in a list. A field below one that is listed counts as that one.
FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{
            f"customerdetails/{theirs}details/{their_field}": f"{ours}.{our_field}"
            for theirs, ours in (("shipper", "ship_from"), ("receiver", "ship_to"))
            for their_field, our_field in _PARTY
        },
        "customerdetails/shipperdetails": "ship_from",
        "customerdetails/receiverdetails": "ship_to",
        "customerdetails/shipperdetails/registrationnumbers": "tax_ids",
        "customerdetails/receiverdetails/registrationnumbers": "tax_ids",
        "content/packages": "box",
        "content/packages/*/weight": "box.weight_g",
        "content/packages/*/dimensions/length": "box.length_mm",
        "content/packages/*/dimensions/width": "box.width_mm",
        "content/packages/*/dimensions/height": "box.height_mm",
        "content/incoterm": "incoterm",
        "content/iscustomsdeclarable": "customs",
        "content/declaredvalue": "customs",
        "content/declaredvaluecurrency": "customs",
        "content/description": "customs",
        "content/exportdeclaration": "customs",
        "content/exportdeclaration/lineitems/*/description": "customs.*.description",
        "content/exportdeclaration/lineitems/*/quantity": "customs.*.units",
        "content/exportdeclaration/lineitems/*/price": "customs.*.unit_value",
        "content/exportdeclaration/lineitems/*/weight": "customs.*.unit_weight_g",
        "content/exportdeclaration/lineitems/*/commoditycodes": "customs.*.hs_code",
        "content/exportdeclaration/lineitems/*/manufacturercountry": "customs.*.origin_country",
        "productcode": "service",
        "localproductcode": "service",
        "valueaddedservices": "service",
    }
)
