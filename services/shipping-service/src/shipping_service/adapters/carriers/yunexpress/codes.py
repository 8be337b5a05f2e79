"""YunExpress's words and ours.

Source: the platform's own texts as evan-lc/yunexpress-sdk keeps them, and laradocs/php-yunexpress-sdk for the
word that tells a duplicate; read 2026-11-22. No list of error codes is public: what an account has seen goes
into CARRIER_YUNEXPRESS_REMEDIES.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shipping_service.domain.consignment import VoidOutcome

CANCELLED: Final = "E"

#: What an order's state says of a cancel that was asked for: until their warehouse has the parcel (A) it may
#: still come; then (B, C shipped, D completed) it is too late. Y, abnormal, tells neither.
CANCELS: Final[Mapping[str, VoidOutcome]] = MappingProxyType(
    {
        "A": VoidOutcome.SUBMITTED,
        "B": VoidOutcome.REJECTED,
        "C": VoidOutcome.REJECTED,
        "D": VoidOutcome.REJECTED,
        CANCELLED: VoidOutcome.VOIDED,
        "Y": VoidOutcome.SUBMITTED,
    }
)

#: `track_type` of a last-mile number that is given already, and of a channel that has none.
NUMBER_GIVEN: Final = "1"
NO_NUMBER: Final = "3"

#: How a refusal says that the customer order number is taken.
DUPLICATE: Final = ("重复", "duplicate", "already exist", "repeat")

#: Their name of the renminbi; ISO 4217 calls it CNY.
CURRENCIES: Final[Mapping[str, str]] = MappingProxyType({"RMB": "CNY"})

_PARTY = (
    ("first_name", "name"),
    ("company", "company"),
    ("country_code", "country"),
    ("province", "province"),
    ("city", "city"),
    ("address_lines", "lines"),
    ("postal_code", "postal_code"),
    ("phone_number", "phone"),
    ("email", "email"),
)

#: Where a field of theirs comes from; `*` stands for a place in a list.
FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{
            f"{theirs}.{their_field}": f"{ours}.{our_field}"
            for theirs, ours in (("receiver", "ship_to"), ("sender", "ship_from"))
            for their_field, our_field in _PARTY
        },
        "product_code": "service",
        "customs_number": "tax_ids",
        "packages.weight": "box.weight_g",
        "packages.length": "box.length_mm",
        "packages.width": "box.width_mm",
        "packages.height": "box.height_mm",
        "declaration_info": "customs",
        "declaration_info.sku_code": "customs.*.sku",
        "declaration_info.name_local": "customs.*.description",
        "declaration_info.name_en": "customs.*.description",
        "declaration_info.quantity": "customs.*.units",
        "declaration_info.unit_price": "customs.*.unit_value",
        "declaration_info.unit_weight": "customs.*.unit_weight_g",
        "declaration_info.hs_code": "customs.*.hs_code",
        "declaration_info.currency": "customs.*.currency",
    }
)
