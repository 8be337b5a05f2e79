"""What YunExpress's tracking codes mean.

Source: the node codes of three public integrations that agree on them (NexaMerchant/delivery_yunexpress,
ns-tracking-go, a tracking-checkpoint service in Node); a parcel's states of laradocs/php-yunexpress-sdk and
zengweigg/yunexpress; read 2026-11-22. MD/DD and DELIVERY_ATTEMPT are not sure: single integrations read them
otherwise.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shipping_service.domain.tracking import INFO, Codes, Meaning, means
from shipping_service.domain.tracking import Milestone as M
from shipping_service.domain.tracking import Reason as R
from shipping_service.domain.tracking import Status as S

#: Of one event.
NODES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "ORDER_CREATION": means(S.CREATED, milestone=M.LABEL_CREATED),
        "YB/XD": means(S.CREATED, milestone=M.LABEL_CREATED),
        "PRE_ADVICING": INFO,
        "PRE_INFO": INFO,
        "PICKED_UP": means(S.ACCEPTED, milestone=M.ACCEPTED_ORIGIN),
        "XD/ZC": means(S.ACCEPTED, milestone=M.ACCEPTED_ORIGIN),
        "XD/CS": means(S.IN_TRANSIT, milestone=M.DEPARTED_FACILITY),
        "FIRST_MILE_ARRIVE": means(S.ACCEPTED, milestone=M.ACCEPTED_ORIGIN),
        "FIRST_MILE_DEPART": means(S.IN_TRANSIT, milestone=M.DEPARTED_FACILITY),
        "TRANSIT_IN": means(S.IN_TRANSIT, milestone=M.ARRIVED_FACILITY),
        "TRANSIT_OUT": means(S.IN_TRANSIT, milestone=M.DEPARTED_FACILITY),
        "DEPART_CONFIRM_OC": means(S.IN_TRANSIT, milestone=M.DEPARTED_FACILITY),
        "ARRIVE_CONFIRM_OC": means(S.IN_TRANSIT, milestone=M.ARRIVED_FACILITY),
        "READY_FOR_OUTBOUND": means(S.IN_TRANSIT),
        "ARRIVE_ORIN_CUSTOMS": means(S.IN_CUSTOMS, milestone=M.EXPORT_CUSTOMS_IN),  # spelled so
        "EXPORT_CUSTOMS_COMPLETE": means(S.IN_TRANSIT, milestone=M.EXPORT_CUSTOMS_OUT),
        "AIRPORT_INSPECTION": means(S.EXCEPTION, R.SECURITY_INSPECTION),
        "AIRPORT_HOLD": means(S.EXCEPTION, R.SECURITY_INSPECTION),
        "AIRPORT_RELEASE": means(S.IN_TRANSIT),
        "MAIN_LINE_DEPART": means(S.IN_TRANSIT, milestone=M.DEPARTED_ORIGIN_COUNTRY),
        "MAIN_LINE_ARRIVE": means(S.IN_TRANSIT, milestone=M.ARRIVED_DESTINATION_COUNTRY),
        "READY_FOR_PICKUP": means(S.IN_TRANSIT),  # by the airline's freight: nobody has to collect it
        "PICKUP_CARGO_TERMINAL": means(S.IN_TRANSIT),
        "CUSTOMS_PROCESSING": means(S.IN_CUSTOMS, milestone=M.IMPORT_CUSTOMS_IN),
        "CUSTOMS_COMPLETE": means(S.IN_TRANSIT, milestone=M.IMPORT_CUSTOMS_OUT),
        "CUSTOMS_RELEASE": means(S.IN_TRANSIT, milestone=M.IMPORT_CUSTOMS_OUT),
        "CUSTOMS_INSPCTION": means(S.CUSTOMS_HOLD, R.CUSTOMS_INSPECTION),  # spelled so
        "CUSTOMS_EXCEPTION": means(S.CUSTOMS_HOLD, R.OTHER),
        "CUSTOMS_DELAY": means(S.CUSTOMS_HOLD, R.CUSTOMS_DELAY),
        "CUSTOMS_HOLD": means(S.CUSTOMS_HOLD, R.CUSTOMS_SEIZED),
        "CARRIER_PICKUP": means(S.IN_TRANSIT, milestone=M.HANDED_TO_LINEHAUL),
        "IN_TRANSIT_CARRIER": means(S.IN_TRANSIT),
        "IN_TRANSIT": means(S.IN_TRANSIT),
        "TRANSITHUB_ARRIVE": means(S.IN_TRANSIT, milestone=M.HANDED_TO_LAST_MILE),
        "CHANGE_WAYBILL_INFO": INFO,
        "EDD": INFO,
        "MD/DD": means(S.IN_TRANSIT, milestone=M.ARRIVED_DESTINATION_COUNTRY, sure=False),
        "DELIVERY_ATTEMPT": means(S.DELIVERY_FAILED, R.OTHER, M.ATTEMPT, sure=False),
        "DELIVERY_FAILURE": means(S.DELIVERY_FAILED, R.OTHER, M.ATTEMPT),
        "DELIVERED": means(S.DELIVERED, milestone=M.DELIVERED),
        "MD/TT": means(S.DELIVERED, milestone=M.DELIVERED),
        "PACKAGE_EXCEPTION": means(S.EXCEPTION, R.OTHER),
        "PACKAGE_LOST": means(S.LOST),
        "OTHER": means(S.DELAYED, R.OTHER),
        "RETURNED_BACK": means(S.RETURNING, milestone=M.RETURN_STARTED),
        "RETURNED": means(S.RETURNED, milestone=M.RETURNED),
        "RETURNED_TO_SENDER": means(S.RETURNING, milestone=M.RETURN_STARTED),
    }
)

#: Of the whole parcel: what its newest event means where that has no code of its own.
PACKAGE_STATES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "0": means(S.UNKNOWN),
        "1": means(S.CREATED, milestone=M.LABEL_CREATED),
        "2": means(S.IN_TRANSIT),
        "3": means(S.DELIVERED, milestone=M.DELIVERED),
        "4": means(S.ACCEPTED, milestone=M.ACCEPTED_ORIGIN),
        "5": means(S.CANCELLED),
        "6": means(S.DELIVERY_FAILED, R.OTHER, M.ATTEMPT),
        "7": means(S.RETURNED, milestone=M.RETURNED),
    }
)

CODES: Final[Codes] = MappingProxyType({"track_node_code": NODES, "PackageState": PACKAGE_STATES})
