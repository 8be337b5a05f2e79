"""What a person can do about an exception: the text beside its code."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shipping_service.domain.refusal import Remedy

_STEPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "shipment_rejected": "Repair the shipment: the address through the order; service, weight or customs "
        "data here. It tries again by itself.",
        "label_outcome_unknown": "Wait while the carrier is asked. Where it cannot be: look into its portal "
        "and decide whether the label was bought.",
        "label_came_late": "A label nobody waited for any more; it is being taken back. Check the carrier's "
        "invoice.",
        "label_not_voided": "Paid and not given back: ask the carrier for the refund, or book the cost.",
        "papers_not_printed": "The parcel must not leave without this paper: write it by hand, or print it "
        "in the carrier's portal.",
        "carrier_account_refused": "The carrier refuses our account: check its credentials. Labels go on by "
        "themselves.",
        "cancel_refused": "The parcel has left: recall it with the carrier, or take it back as a return.",
        "change_refused": "The parcel has left with what was known then: redirect it with the carrier.",
        "withdraw_refused": "The units have left although inventory wanted them back: count the stock.",
        "released_without_cancel": "Inventory freed units of a shipment that was still going, which was "
        "stopped. Compare the allocations of both services.",
        "released_after_hand_over": "Inventory freed units that have left: count the stock.",
        "order_closed_before_hand_over": "The order is closed while this shipment has not left: find out "
        "which of them is right.",
        "label_for_unknown_shipment": "The marketplace sent a label that nobody asked for: look there.",
        "scanned_before_hand_over": "The carrier has a parcel that was never handed over here: confirm the "
        "hand-over, or find out who took it.",
        "scanned_after_cancel": "The carrier has a parcel whose label was cancelled: recall it with the "
        "carrier, and expect the label on the invoice.",
        "parcel_not_accepted": "Two days after its label the carrier has not scanned the parcel: look for it "
        "in the warehouse, then ask the carrier.",
        "parcel_customs_hold": "Held by customs for more than a day: send what they ask for (the scan's "
        "reason says what), through the carrier's customs desk.",
        "parcel_delivery_failed": "Delivery failed at least twice: check the address and the phone number "
        "with the buyer, and tell the carrier before it goes back.",
        "parcel_pickup_ending": "The pick-up point sends the parcel back soon: remind the buyer.",
        "parcel_exception": "The carrier stopped the parcel: read the scan's reason, and decide with the "
        "carrier.",
        "parcel_returning": "The parcel is on its way back: tell the buyer, and expect it in the warehouse.",
        "parcel_lost": "Lost or destroyed: claim it from the carrier, then refund the buyer or send again.",
        "parcel_contradicted": "One carrier of the parcel tells of its end, another later that it goes on: "
        "ask both, and the buyer, before anything is refunded.",
        "parcel_silent": "No news for days: ask the carrier where the parcel is.",
        "parcel_expired": "No news for a month; it is not asked about any more. Claim it, or close the "
        "order.",
        "label_damaged": "The marketplace's label does not match its checksum: ask for it again.",
    }
)

_REPAIRS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing_weight": "Say what one unit weighs, or what the parcel weighs.",
        "missing_hs_code": "Give the SKU's customs tariff number (6 to 10 digits).",
        "missing_origin": "Give the SKU's country of origin.",
        "missing_value": "The order's line has no value for customs: correct the order.",
        "missing_address": "The order has no complete address: correct it in the order.",
        "no_service_rule": "No rule fits this shipment: add one, or choose a service for this shipment.",
    }
)

_REMEDIES: Final[Mapping[Remedy, str]] = MappingProxyType(
    {
        Remedy.FIX_ADDRESS: "Correct the address in the order; the shipment tries again by itself.",
        Remedy.FIX_CUSTOMS: "Give the customs data of the SKU that is named, here or in inventory-service.",
        Remedy.FIX_ACCOUNT: "Mend our account at the carrier: funds, permissions, settings. It tries again "
        "by itself.",
        Remedy.TRY_LATER: "Wait: it tries again by itself, and goes to the next service that the rules "
        "allow when the carrier stays away.",
        Remedy.CHOOSE_ANOTHER_SERVICE: "No rule has another service for it: add a rule, or choose a service "
        "for this shipment.",
        Remedy.UNTRANSLATED: "Nobody has translated this code: read the carrier's own words at the label, "
        "repair what they name, and add the code to the carrier's table.",
    }
)

#: Who looks after it; what is not listed is the shipping desk's.
_OWNERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "scanned_before_hand_over": "warehouse",
        "parcel_not_accepted": "warehouse",
        "released_after_hand_over": "warehouse",
        "withdraw_refused": "warehouse",
        "parcel_delivery_failed": "customer service",
        "parcel_pickup_ending": "customer service",
        "parcel_returning": "customer service",
        "parcel_customs_hold": "customs desk",
    }
)


def owner(code: str) -> str:
    """Whose it is to take the next step."""
    return _OWNERS.get(code, "shipping desk")


def next_step(code: str, detail: str | None, remedy: Remedy | None = None) -> str:
    """`detail` begins with the reason of a rejection."""
    reason = (detail or "").split(" ")[0]
    if code == "shipment_rejected" and reason in _REPAIRS:
        return _REPAIRS[reason]
    if remedy is not None:
        return _REMEDIES[remedy]
    return _STEPS.get(code, "Look at the shipment's timeline.")
