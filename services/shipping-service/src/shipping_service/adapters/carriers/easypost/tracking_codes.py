"""What EasyPost's tracker statuses mean.

Source: docs.easypost.com, "Trackers", read 2026-11-22, for the statuses. The details are those of a public
interface that mirrors EasyPost, and are not all there are.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shipping_service.domain.tracking import INFO, Codes, Meaning, means
from shipping_service.domain.tracking import Milestone as M
from shipping_service.domain.tracking import Reason as R
from shipping_service.domain.tracking import Status as S

STATUSES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "unknown": means(S.UNKNOWN),
        "pre_transit": means(S.CREATED, milestone=M.LABEL_CREATED),
        "in_transit": means(S.IN_TRANSIT),
        "out_for_delivery": means(S.OUT_FOR_DELIVERY),
        "delivered": means(S.DELIVERED, milestone=M.DELIVERED),
        "available_for_pickup": means(S.AVAILABLE_FOR_PICKUP, milestone=M.AT_PICKUP_POINT),
        "return_to_sender": means(S.RETURNING, milestone=M.RETURN_STARTED),
        "failure": means(S.EXCEPTION, R.OTHER),
        "cancelled": means(S.CANCELLED),
        "error": means(S.UNKNOWN),
    }
)

DETAILS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "label_created": means(S.CREATED, milestone=M.LABEL_CREATED),
        "address_correction": INFO,
        "awaiting_information": means(S.EXCEPTION, R.DATA_PROBLEM),
        "arrived_at_facility": means(S.IN_TRANSIT, milestone=M.ARRIVED_FACILITY),
        "departed_facility": means(S.IN_TRANSIT, milestone=M.DEPARTED_FACILITY),
        "departed_origin_facility": means(S.IN_TRANSIT, milestone=M.DEPARTED_FACILITY),
        "arrived_at_destination": means(S.IN_TRANSIT, milestone=M.ARRIVED_DELIVERY_FACILITY),
        "arrived_at_pickup_location": means(S.AVAILABLE_FOR_PICKUP, milestone=M.AT_PICKUP_POINT),
        "received_at_origin_facility": means(S.ACCEPTED, milestone=M.ACCEPTED_ORIGIN),
        "received_at_destination_facility": means(S.IN_TRANSIT, milestone=M.ARRIVED_DELIVERY_FACILITY),
        "transferred_to_destination_carrier": means(S.IN_TRANSIT, milestone=M.HANDED_TO_LAST_MILE),
        "held": means(S.EXCEPTION, R.OTHER),
        "delayed": means(S.DELAYED, R.CARRIER_DELAY),
        "weather_delay": means(S.DELAYED, R.WEATHER),
        "missorted": means(S.DELAYED, R.MISSORT),
        "damaged": means(S.EXCEPTION, R.DAMAGED),
        "lost": means(S.LOST),
        "refused": means(S.DELIVERY_FAILED, R.RECIPIENT_REFUSED, M.ATTEMPT),
        "return": means(S.RETURNING, milestone=M.RETURN_STARTED),
        "delivery_exception": means(S.DELIVERY_FAILED, R.OTHER, M.ATTEMPT),
        "transit_exception": means(S.EXCEPTION, R.OTHER),
        "expired": means(S.EXPIRED),
    }
)

CODES: Final[Codes] = MappingProxyType({"status": STATUSES, "status_detail": DETAILS})
