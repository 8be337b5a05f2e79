"""Yanwen's words and ours.

Source: zengweigg/yw56 for an order's states, read 2026-11-22. No list of error codes is public: what an
account has seen goes into CARRIER_YANWEN_REMEDIES.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shipping_service.domain.consignment import VoidOutcome
from shipping_service.domain.tracking import Status

#: An order's state once its cancel is done.
CANCELLED: Final = "5"

#: What becomes of a cancel, by what the order's state means: until the warehouse has the parcel it may still
#: come, and a state that is in no list tells neither. All others say that it is too late.
CANCELS: Final[Mapping[Status | None, VoidOutcome]] = MappingProxyType(
    {
        Status.CREATED: VoidOutcome.SUBMITTED,
        Status.UNKNOWN: VoidOutcome.SUBMITTED,
        Status.CANCELLED: VoidOutcome.VOIDED,
    }
)

#: How a refusal under HTTP 200 says that it is the account's fault: the signature, the time in it, its token.
WRONG_ACCOUNT: Final = ("签名", "时间戳", "apitoken")

#: How a refusal says that the order number is taken.
DUPLICATE: Final = ("重复", "已存在", "duplicate", "already exist")
