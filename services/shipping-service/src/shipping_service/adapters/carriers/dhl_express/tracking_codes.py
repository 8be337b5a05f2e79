"""What DHL Express's event codes mean.

Source: the codes as several public integrations of MyDHL API read them (karrioapi/karrio,
modules/connectors/mydhl, and others), read 2026-11-22; no list of DHL's own was found. Where they differ,
`sure` is False.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shipping_service.domain.tracking import INFO, Codes, Kind, Meaning, means
from shipping_service.domain.tracking import Milestone as M
from shipping_service.domain.tracking import Reason as R
from shipping_service.domain.tracking import Status as S

TYPE_CODES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "SD": means(S.CREATED, milestone=M.LABEL_CREATED),  # shipment data received
        "PU": means(S.ACCEPTED, milestone=M.ACCEPTED_ORIGIN),  # picked up
        "SA": means(S.ACCEPTED, milestone=M.ACCEPTED_ORIGIN),  # shipment accepted
        "AF": means(S.IN_TRANSIT, milestone=M.ARRIVED_FACILITY),  # arrived at DHL facility
        "PL": means(S.IN_TRANSIT, milestone=M.ARRIVED_FACILITY),  # processed at location
        "DF": means(S.IN_TRANSIT, milestone=M.DEPARTED_FACILITY),  # left DHL facility
        "LV": INFO,  # loaded on vehicle
        "UV": INFO,  # unloaded from vehicle
        "SM": INFO,  # movement scheduled
        "TR": means(S.IN_TRANSIT),  # transfer recorded
        "FD": means(S.IN_TRANSIT),  # forwarded to destination
        "EM": INFO,  # electronic data merged
        "AR": means(S.IN_TRANSIT, milestone=M.ARRIVED_DELIVERY_FACILITY),  # arrived at delivery facility
        "WC": means(S.OUT_FOR_DELIVERY),  # with delivery courier
        "OK": means(S.DELIVERED, milestone=M.DELIVERED),  # delivered
        "PD": means(S.EXCEPTION, R.PARTIAL_DELIVERY, M.ATTEMPT),  # only part of the shipment delivered
        "DD": means(S.DELIVERED, R.DAMAGED, M.DELIVERED),  # delivered damaged
        "AD": means(S.IN_TRANSIT, R.RECIPIENT_REQUESTED_RESCHEDULE),  # delivery date agreed with recipient
        "IC": means(S.IN_CUSTOMS),  # clearance processing
        "RR": means(S.IN_CUSTOMS),  # customs status updated
        "BN": means(S.IN_CUSTOMS, R.BROKER_CLEARANCE),  # customs broker notified
        "BR": means(S.IN_CUSTOMS, R.BROKER_CLEARANCE, sure=False),  # released to broker
        "CR": means(S.IN_TRANSIT, milestone=M.IMPORT_CUSTOMS_OUT),  # clearance completed
        "CD": means(S.CUSTOMS_HOLD, R.CUSTOMS_DOCUMENTS),  # clearance delay that shipper/recipient can act on
        "UD": means(S.CUSTOMS_HOLD, R.CUSTOMS_DELAY),  # clearance delay outside DHL control
        "SI": means(S.IN_CUSTOMS, R.CUSTOMS_INSPECTION, sure=False),  # inspection
        "HP": means(S.CUSTOMS_HOLD, R.DUTIES_UNPAID, sure=False),  # held for payment of charges
        "PY": INFO,  # payment received
        "CC": means(S.AVAILABLE_FOR_PICKUP, milestone=M.AT_PICKUP_POINT),  # waiting for recipient to collect
        "CA": means(S.DELIVERY_FAILED, R.BUSINESS_CLOSED, M.ATTEMPT),  # premises closed on arrival
        "NH": means(S.DELIVERY_FAILED, R.RECIPIENT_UNAVAILABLE, M.ATTEMPT),  # nobody home
        "ND": means(S.DELIVERY_FAILED, R.OTHER, M.ATTEMPT),  # not delivered
        "RD": means(S.DELIVERY_FAILED, R.RECIPIENT_REFUSED, M.ATTEMPT),  # delivery refused
        "CM": means(S.DELIVERY_FAILED, R.RECIPIENT_MOVED),  # recipient moved
        "BA": means(S.EXCEPTION, R.ADDRESS_INCORRECT),  # bad address
        "MC": means(S.DELAYED, R.MISSORT),  # miscoded
        "MS": means(S.DELAYED, R.MISSORT),  # mis-sorted
        "MD": means(S.DELAYED, R.CARRIER_DELAY),  # missed delivery cycle
        "TD": means(S.DELAYED, R.CARRIER_DELAY),  # transport delay
        "NA": means(S.DELAYED, R.CARRIER_DELAY),  # not arrived
        "OH": means(S.EXCEPTION, R.OTHER),  # on hold
        "SS": means(S.EXCEPTION, R.INTERCEPTED, sure=False),  # shipment stopped
        "ST": means(S.EXCEPTION, R.INTERCEPTED),  # intercepted
        "SC": INFO,  # service changed
        "RT": means(S.RETURNING, milestone=M.RETURN_STARTED),  # returned to consignor
        "DM": means(S.EXCEPTION, R.DAMAGED),  # damaged
        "DS": means(S.DESTROYED),  # disposed of
        "CS": Meaning(Kind.INFO, sure=False),  # shipment closed administratively
        "TI": means(S.EXCEPTION, R.LOST_INVESTIGATION),  # trace opened
        "TT": INFO,  # trace closed
        "TP": means(S.IN_TRANSIT, milestone=M.HANDED_TO_LAST_MILE),  # handed to third party
        "RW": INFO,  # weight or size measured
    }
)

CODES: Final[Codes] = MappingProxyType({"typeCode": TYPE_CODES})
