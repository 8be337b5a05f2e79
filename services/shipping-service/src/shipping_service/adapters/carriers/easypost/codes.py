"""EasyPost's words and ours.

Source: docs.easypost.com, "Shipping Refund", "Forms", "Carriers", and the error codes of its API, read
2026-11-21.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shipping_service.domain.consignment import DocumentKind, VoidOutcome
from shipping_service.domain.refusal import Remedy

#: Who really carries it. A carrier that is not listed goes by EasyPost's own name for it.
CARRIERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "DHLEcommerceAsia": "dhl_ecommerce",
        "DHLExpress": "dhl_express",
        "DhlEcs": "dhl_ecommerce",
        "FedEx": "fedex",
        "FedExDefault": "fedex",
        "RoyalMail": "royal_mail",
        "UPS": "ups",
        "UPSDAP": "ups",
        "USPS": "usps",
    }
)

REFUNDS: Final[Mapping[str, VoidOutcome]] = MappingProxyType(
    {
        "submitted": VoidOutcome.SUBMITTED,
        "refunded": VoidOutcome.VOIDED,
        "rejected": VoidOutcome.REJECTED,
        "not_applicable": VoidOutcome.NOT_APPLICABLE,
    }
)

#: Forms that travel with the parcel; others (packing slips, return codes) are not kept.
FORMS: Final[Mapping[str, DocumentKind]] = MappingProxyType(
    {
        "cn22": DocumentKind.CUSTOMS_DECLARATION,
        "cn23": DocumentKind.CUSTOMS_DECLARATION,
        "commercial_invoice": DocumentKind.COMMERCIAL_INVOICE,
    }
)

#: The answer to a second purchase of the same shipment.
ALREADY_BOUGHT: Final = "SHIPMENT.POSTAGE.EXISTS"

#: Refusals in name only: the carrier behind EasyPost may have sold the label.
OUTCOME_UNKNOWN: Final = frozenset(
    {"SHIPMENT.POSTAGE.NO_RESPONSE", "SHIPMENT.POSTAGE.TIMED_OUT", "SHIPMENT.PURCHASE.IN_PROGRESS"}
)

#: What mends a refusal. Not among them is SHIPMENT.POSTAGE.FAILURE, which stands for whatever the carrier
#: behind EasyPost said: only the field tells, if there is one.
REMEDIES: Final[Mapping[str, Remedy]] = MappingProxyType(
    {
        "ADDRESS.COUNTRY.INVALID": Remedy.FIX_ADDRESS,
        "ADDRESS.PARAMETERS.INVALID": Remedy.FIX_ADDRESS,
        "ADDRESS.VERIFY.FAILURE": Remedy.FIX_ADDRESS,
        "ADDRESS.VERIFY.MISSING_CITY_STATE_ZIP": Remedy.FIX_ADDRESS,
        "ADDRESS.VERIFY.MISSING_STREET": Remedy.FIX_ADDRESS,
        "ADDRESS.VERIFY.UNAVAILABLE": Remedy.TRY_LATER,
        "CUSTOMS_INFO.PARAMETERS.INVALID": Remedy.FIX_CUSTOMS,
        "CUSTOMS_ITEM.PARAMETERS.INVALID": Remedy.FIX_CUSTOMS,
        "INSUFFICIENT_FUNDS": Remedy.FIX_ACCOUNT,
        "PAYMENT_REQUIRED": Remedy.FIX_ACCOUNT,
        "SHIPMENT.CUSTOMS_INFO.DESCRIPTION_REQUIRED": Remedy.FIX_CUSTOMS,
        "SHIPMENT.CUSTOMS_INFO.REQUIRED": Remedy.FIX_CUSTOMS,
        "SHIPMENT.MISSING_RATE": Remedy.TRY_LATER,  # it has run out: the next attempt takes a new one
        "SHIPMENT.RATE.CARRIER_ACCOUNT_INVALID": Remedy.FIX_ACCOUNT,
    }
)

#: Where a field of theirs comes from; `*` stands for a place in a list, which stays.
FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{
            f"{theirs}_address.{their_field}": f"ship_{theirs}.{our_field}"
            for theirs in ("from", "to")
            for their_field, our_field in (
                ("name", "name"),
                ("company", "company"),
                ("street1", "lines"),
                ("street2", "lines"),
                ("city", "city"),
                ("state", "province"),
                ("zip", "postal_code"),
                ("country", "country"),
                ("phone", "phone"),
                ("email", "email"),
            )
        },
        "parcel": "box",
        "parcel.weight": "box.weight_g",
        "parcel.length": "box.length_mm",
        "parcel.width": "box.width_mm",
        "parcel.height": "box.height_mm",
        "customs_info": "customs",
        "customs_info.customs_items": "customs",
        "customs_info.customs_items.*.description": "customs.*.description",
        "customs_info.customs_items.*.quantity": "customs.*.units",
        "customs_info.customs_items.*.value": "customs.*.unit_value",
        "customs_info.customs_items.*.weight": "customs.*.unit_weight_g",
        "customs_info.customs_items.*.hs_tariff_number": "customs.*.hs_code",
        "customs_info.customs_items.*.origin_country": "customs.*.origin_country",
        "customs_info.customs_items.*.currency": "customs.*.currency",
        "customs_info.customs_items.*.code": "customs.*.sku",
        "customs_info.customs_signer": "ship_from.name",
        "options.incoterm": "incoterm",
        "tax_identifiers.*.tax_id": "tax_ids.*.value",
        "tax_identifiers.*.tax_id_type": "tax_ids.*.kind",
    }
)
