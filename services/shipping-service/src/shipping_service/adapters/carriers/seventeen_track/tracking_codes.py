"""What 17TRACK's sub-statuses mean, and what its main statuses mean where a sub-status is not known.

Source: 17TRACK's API documentation v2.2, "Tracking status", beside wksw/17track-golang-sdk, read 2026-11-22:
nine statuses and thirty sub-statuses. A sub-status begins with its status; one that is not in the table is
read by it, and marked as not sure.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shipping_service.domain.tracking import UNKNOWN, Codes, Meaning, means
from shipping_service.domain.tracking import Milestone as M
from shipping_service.domain.tracking import Reason as R
from shipping_service.domain.tracking import Status as S

SUB_STATUSES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "NotFound_Other": means(S.UNKNOWN),
        "NotFound_InvalidCode": means(S.UNKNOWN, R.DATA_PROBLEM),
        "InfoReceived": means(S.CREATED, milestone=M.LABEL_CREATED),
        "InTransit_PickedUp": means(S.ACCEPTED, milestone=M.ACCEPTED_ORIGIN),
        "InTransit_Other": means(S.IN_TRANSIT),
        "InTransit_Departure": means(S.IN_TRANSIT, milestone=M.DEPARTED_FACILITY),
        "InTransit_Arrival": means(S.IN_TRANSIT, milestone=M.ARRIVED_FACILITY),
        "InTransit_CustomsProcessing": means(S.IN_CUSTOMS),
        "InTransit_CustomsReleased": means(S.IN_TRANSIT, milestone=M.IMPORT_CUSTOMS_OUT),
        "InTransit_CustomsRequiringInformation": means(S.CUSTOMS_HOLD, R.CUSTOMS_DOCUMENTS),
        "Expired_Other": means(S.EXPIRED),
        "AvailableForPickup_Other": means(S.AVAILABLE_FOR_PICKUP, milestone=M.AT_PICKUP_POINT),
        "OutForDelivery_Other": means(S.OUT_FOR_DELIVERY),
        "DeliveryFailure_Other": means(S.DELIVERY_FAILED, R.OTHER, M.ATTEMPT),
        "DeliveryFailure_NoBody": means(S.DELIVERY_FAILED, R.RECIPIENT_UNAVAILABLE, M.ATTEMPT),
        "DeliveryFailure_Security": means(S.DELIVERY_FAILED, R.PAYMENT_REQUIRED, M.ATTEMPT),
        "DeliveryFailure_Rejected": means(S.DELIVERY_FAILED, R.RECIPIENT_REFUSED, M.ATTEMPT),
        "DeliveryFailure_InvalidAddress": means(S.DELIVERY_FAILED, R.ADDRESS_INCORRECT, M.ATTEMPT),
        "Delivered_Other": means(S.DELIVERED, milestone=M.DELIVERED),
        "Exception_Other": means(S.EXCEPTION, R.OTHER),
        "Exception_Returning": means(S.RETURNING, milestone=M.RETURN_STARTED),
        "Exception_Returned": means(S.RETURNED, milestone=M.RETURNED),
        "Exception_NoBody": means(S.EXCEPTION, R.RECIPIENT_UNAVAILABLE),
        "Exception_Security": means(S.EXCEPTION, R.SECURITY_INSPECTION),
        "Exception_Damage": means(S.EXCEPTION, R.DAMAGED),
        "Exception_Rejected": means(S.EXCEPTION, R.RECIPIENT_REFUSED),
        "Exception_Delayed": means(S.DELAYED, R.CARRIER_DELAY),
        "Exception_Lost": means(S.LOST),
        "Exception_Destroyed": means(S.DESTROYED),
        "Exception_Cancel": means(S.CANCELLED),
    }
)

STATUSES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "NotFound": means(S.UNKNOWN, sure=False),
        "InfoReceived": means(S.CREATED, sure=False),
        "InTransit": means(S.IN_TRANSIT, sure=False),
        "Expired": means(S.EXPIRED, sure=False),
        "AvailableForPickup": means(S.AVAILABLE_FOR_PICKUP, sure=False),
        "OutForDelivery": means(S.OUT_FOR_DELIVERY, sure=False),
        "DeliveryFailure": means(S.DELIVERY_FAILED, R.OTHER, sure=False),
        "Delivered": means(S.DELIVERED, sure=False),
        "Exception": means(S.EXCEPTION, R.OTHER, sure=False),
    }
)

CODES: Final[Codes] = MappingProxyType({"sub_status": SUB_STATUSES, "status": STATUSES})


def meaning_of(sub_status: str) -> Meaning:
    """By the code itself, else by the status that it begins with."""
    family = sub_status.partition("_")[0]
    return SUB_STATUSES.get(sub_status) or STATUSES.get(family, UNKNOWN)
