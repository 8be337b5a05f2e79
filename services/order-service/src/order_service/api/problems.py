"""Domain errors as HTTP statuses; nowhere else."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from order_service.domain.errors import HoldNotFound, HoldNotReleasable, IllegalMove, NotAnOrder
from order_service.use_cases.accounts import AccountRefused
from order_service.use_cases.ports import Conflict, NotFound, RacedImport

DOMAIN_ERRORS: Final[Mapping[type[Exception], tuple[int, str]]] = MappingProxyType(
    {
        NotFound: (404, "not-found"),
        Conflict: (409, "conflict"),
        RacedImport: (409, "conflict"),
        IllegalMove: (409, "illegal-move"),
        HoldNotFound: (409, "not-held"),
        HoldNotReleasable: (409, "not-releasable"),
        NotAnOrder: (422, "not-an-order"),
        AccountRefused: (422, "account-refused"),
    }
)
