"""What UPS's tracking codes mean. The two letters alone mean nothing: `I:AR` is an arrival, `X:AR` a refusal.

Sources, read 2026-11-22: the types, OT, FS and SR from UPS-API/api-documentation, Tracking.yaml and
UPSTrackAlert.yaml; the other codes from open-logistics-tracking/OLTS, mappings/intl/ups.csv (CC BY 4.0),
read anew with the pairs of type and code in sailrish/shipit, issue 42. `sure` is False where they differ, and
where a code is read by its type alone.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from shipping_service.domain.tracking import UNKNOWN, Codes, Kind, Meaning, means, undoes
from shipping_service.domain.tracking import Milestone as M
from shipping_service.domain.tracking import Reason as R
from shipping_service.domain.tracking import Status as S

#: By type and code.
EVENTS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "I:OR": means(S.ACCEPTED, milestone=M.ACCEPTED_ORIGIN),
        "I:AR": means(S.IN_TRANSIT, milestone=M.ARRIVED_FACILITY),
        "I:DP": means(S.IN_TRANSIT, milestone=M.DEPARTED_FACILITY),
        "I:DS": means(S.IN_TRANSIT, milestone=M.ARRIVED_DELIVERY_FACILITY),
        "I:OT": means(S.OUT_FOR_DELIVERY),
        "D:OT": means(S.OUT_FOR_DELIVERY, sure=False),
        "D:FS": means(S.DELIVERED, milestone=M.DELIVERED),  # left without a signature
        "D:KB": means(S.DELIVERED, milestone=M.DELIVERED),  # signed for
        "D:F4": means(S.DELIVERED, milestone=M.DELIVERED),
        "D:ZP": means(S.AVAILABLE_FOR_PICKUP, milestone=M.AT_PICKUP_POINT),
        "D:5E": means(S.AVAILABLE_FOR_PICKUP, milestone=M.AT_PICKUP_POINT),
        # customs
        "X:SR": means(S.IN_CUSTOMS, R.BROKER_CLEARANCE, sure=False),  # released, or still waiting: see TEXTS
        "X:DA": means(S.IN_TRANSIT, milestone=M.IMPORT_CUSTOMS_OUT),
        "X:DB": means(S.CUSTOMS_HOLD, R.CUSTOMS_DELAY),  # bonded warehouse
        "X:ER": means(S.CUSTOMS_HOLD, R.CUSTOMS_DELAY, M.IMPORT_CUSTOMS_IN),
        "X:XY": means(S.CUSTOMS_HOLD, R.CUSTOMS_DELAY, M.EXPORT_CUSTOMS_IN),
        "X:71": means(S.CUSTOMS_HOLD, R.CUSTOMS_DOCUMENTS),  # papers are missing
        "X:BB": means(S.CUSTOMS_HOLD, R.CUSTOMS_DOCUMENTS),  # no value
        "X:BK": means(S.CUSTOMS_HOLD, R.CUSTOMS_DOCUMENTS),  # no certificate of origin
        "X:B5": means(S.CUSTOMS_HOLD, R.CUSTOMS_DOCUMENTS),  # no tax number
        "X:B7": means(S.CUSTOMS_HOLD, R.CUSTOMS_SEIZED),
        "X:X8": means(S.CUSTOMS_HOLD, R.CUSTOMS_DOCUMENTS),  # no country of origin
        "X:XW": means(S.CUSTOMS_HOLD, R.CUSTOMS_DOCUMENTS),  # no customs number of the recipient
        "X:OQ": means(S.CUSTOMS_HOLD, R.DUTIES_UNPAID),
        "X:7F": means(S.CUSTOMS_HOLD, R.DUTIES_UNPAID),
        "X:FE": means(S.EXCEPTION, R.DUTIES_UNPAID),  # the recipient will not pay
        "X:TP": means(S.DESTROYED, R.CUSTOMS_PROHIBITED),
        "X:8D": means(S.CUSTOMS_HOLD, R.ABANDONED),
        "X:BX": means(S.CUSTOMS_HOLD, R.STRIKE),
        # the last mile
        "X:G3": means(S.DELIVERY_FAILED, R.BUSINESS_CLOSED, M.ATTEMPT),
        "X:L1": means(S.DELIVERY_FAILED, R.BUSINESS_CLOSED, M.ATTEMPT),
        "X:AY": means(S.DELIVERY_FAILED, R.BUSINESS_CLOSED, M.ATTEMPT),
        "X:KT": means(S.DELIVERY_FAILED, R.RECIPIENT_REFUSED, M.ATTEMPT),
        "X:KR": means(S.DELIVERY_FAILED, R.RECIPIENT_REFUSED, M.ATTEMPT),
        "X:AR": means(S.DELIVERY_FAILED, R.RECIPIENT_REFUSED, M.ATTEMPT),
        "X:A7": means(S.DELIVERY_FAILED, R.RECIPIENT_MOVED),
        "X:AG": means(S.EXCEPTION, R.ADDRESS_INCORRECT),
        "X:AC": means(S.EXCEPTION, R.ADDRESS_INCORRECT),
        "X:AE": means(S.EXCEPTION, R.ADDRESS_INCORRECT),
        "X:LX": means(S.IN_TRANSIT, milestone=M.HANDED_TO_LAST_MILE),  # to the local post
        "X:YD": means(S.DELIVERY_FAILED, R.RECIPIENT_UNAVAILABLE, M.ATTEMPT),  # by the local post
        "X:6I": means(S.IN_TRANSIT),  # back from the pickup point for another attempt
        # on the way
        "X:DS": means(S.EXCEPTION, R.LABEL_PROBLEM),
        "X:DP": means(S.EXCEPTION, R.CUSTOMS_PROHIBITED),
        "X:C5": means(S.DELAYED, R.WEATHER),
        "X:DJ": means(S.DELAYED, R.WEATHER),
        "X:DF": means(S.DELAYED, R.NATURAL_DISASTER),
        "X:CM": means(S.DELAYED, R.CARRIER_DELAY),  # no flight
        "X:HR": means(S.EXCEPTION, R.DAMAGED),
        "X:GS": means(S.LOST),  # stolen before it was sorted
        "X:GT": means(S.LOST),  # stolen from the driver
        "X:UO": means(S.EXCEPTION, R.LOST_INVESTIGATION),
        "X:S9": means(S.EXCEPTION, R.LABEL_PROBLEM),  # found without a label
        "X:JA": means(S.EXCEPTION, R.INTERCEPTED),
        # back
        "X:O4": means(S.RETURNING, milestone=M.RETURN_STARTED),
        "X:UF": means(S.RETURNING, milestone=M.RETURN_STARTED),
        "X:DL": means(S.RETURNED, milestone=M.RETURNED),
        "X:3N": means(S.RETURNED, R.UNCLAIMED, M.RETURNED),
        # never happened
        "X:TL": undoes(),
        "X:F6": undoes(),
    }
)

#: By type, where the code is unknown. A delivery type is no delivery: it begins with loading the vehicle.
FAMILIES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "M": means(S.CREATED, milestone=M.LABEL_CREATED),
        "MV": means(S.CANCELLED, sure=False),
        "P": means(S.ACCEPTED, milestone=M.ACCEPTED_ORIGIN),
        "I": means(S.IN_TRANSIT, sure=False),
        "U": Meaning(Kind.INFO, sure=False),
        "X": means(S.EXCEPTION, R.OTHER, sure=False),
        "D": UNKNOWN,
    }
)

CODES: Final[Codes] = MappingProxyType({"type:code": EVENTS, "type": FAMILIES})

#: Their sources give no type for these: any will do.
_OF_ANY_TYPE: Final = MappingProxyType({one.partition(":")[2]: EVENTS[one] for one in ("D:ZP", "D:5E")})


class _Text(NamedTuple):
    type: str
    begins: re.Pattern[str]
    meaning: Meaning


#: What the words say where no code is sure. Asked for in English.
_TEXTS: Final = (
    _Text(
        "X",
        re.compile(r"(your package was )?released by (the )?customs( agency)?\b", re.IGNORECASE),
        means(S.IN_TRANSIT, milestone=M.IMPORT_CUSTOMS_OUT, sure=False),
    ),
    _Text(
        "D",
        re.compile(r"delivered to (an? )?ups access point\b", re.IGNORECASE),
        means(S.AVAILABLE_FOR_PICKUP, milestone=M.AT_PICKUP_POINT, sure=False),
    ),
    _Text(
        "D",
        re.compile(r"delivered\.?\s*$", re.IGNORECASE),
        means(S.DELIVERED, milestone=M.DELIVERED, sure=False),
    ),
    _Text("D", re.compile(r"out for delivery\b", re.IGNORECASE), means(S.OUT_FOR_DELIVERY, sure=False)),
)


def meaning_of(kind: str, code: str, text: str) -> Meaning:
    """By type and code where that is sure; else by the words, then by an unsure code, then by the type."""
    exact = EVENTS.get(f"{kind}:{code}") or _OF_ANY_TYPE.get(code)
    if exact is not None and exact.sure:
        return exact
    said = (one.meaning for one in _TEXTS if one.type == kind and one.begins.match(text.strip()))
    return next(said, exact or FAMILIES.get(kind, UNKNOWN))
