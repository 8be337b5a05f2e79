"""What Yanwen's codes mean: of a checkpoint, and of an order.

Source: Yanwen's tracking page (opendocs.yw56.com.cn) and zengweigg/yw56, `model/yw.express.order.get.go`,
read 2026-11-22. An order's state 14 is in no list. LM30 is named by one integration alone: not sure.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shipping_service.domain.tracking import Codes, Meaning, means
from shipping_service.domain.tracking import Milestone as M
from shipping_service.domain.tracking import Reason as R
from shipping_service.domain.tracking import Status as S

CHECKPOINTS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "OR10": means(S.CREATED, milestone=M.LABEL_CREATED),
        "PU10": means(S.ACCEPTED, milestone=M.ACCEPTED_ORIGIN),
        "PU30": means(S.EXCEPTION, R.PICKUP_FAILED),
        "EC30": means(S.CUSTOMS_HOLD, R.OTHER, M.EXPORT_CUSTOMS_IN),
        "LH20": means(S.IN_TRANSIT, milestone=M.DEPARTED_ORIGIN_COUNTRY),
        "S303": means(S.IN_CUSTOMS, milestone=M.IMPORT_CUSTOMS_IN),
        "IC50": means(S.IN_CUSTOMS, milestone=M.IMPORT_CUSTOMS_IN),
        "IC51": means(S.CUSTOMS_HOLD, R.OTHER),
        "IC60": means(S.IN_TRANSIT, milestone=M.IMPORT_CUSTOMS_OUT),
        "IC70": means(S.CUSTOMS_HOLD, R.OTHER),
        "LM10": means(S.IN_TRANSIT, milestone=M.ARRIVED_DESTINATION_COUNTRY),
        "LM20": means(S.IN_TRANSIT, milestone=M.ARRIVED_DELIVERY_FACILITY),
        "LM25": means(S.OUT_FOR_DELIVERY),
        "LM30": means(S.AVAILABLE_FOR_PICKUP, milestone=M.AT_PICKUP_POINT, sure=False),
        "LM40": means(S.DELIVERED, milestone=M.DELIVERED),
        "LM50": means(S.DELIVERY_FAILED, R.OTHER, M.ATTEMPT),
        "LM54": means(S.RETURNING, milestone=M.RETURN_STARTED),
        "LM90": means(S.RETURNED, milestone=M.RETURNED),
    }
)

#: The order API's own, without a time: read to see what became of a cancel, never as a scan.
ORDER_STATES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "0": means(S.CREATED, milestone=M.LABEL_CREATED),
        "1": means(S.CREATED, milestone=M.LABEL_CREATED),
        "2": means(S.ACCEPTED, milestone=M.ACCEPTED_ORIGIN),
        "3": means(S.IN_TRANSIT),
        "4": means(S.DELIVERED, milestone=M.DELIVERED),
        "5": means(S.CANCELLED),
        "6": means(S.EXCEPTION, R.INTERCEPTED),
        "7": means(S.DELIVERY_FAILED, R.OTHER, M.ATTEMPT),
        "8": means(S.EXCEPTION, R.OTHER),
        "9": means(S.RETURNING, milestone=M.RETURN_STARTED),
        "10": means(S.RETURNED, milestone=M.RETURNED),
        "11": means(S.EXCEPTION, R.OTHER),
        "12": means(S.OUT_FOR_DELIVERY),
        "13": means(S.AVAILABLE_FOR_PICKUP, milestone=M.AT_PICKUP_POINT),
        "15": means(S.EXPIRED),
    }
)

CODES: Final[Codes] = MappingProxyType({"tracking_status": CHECKPOINTS, "order.status": ORDER_STATES})
