"""Domain errors as HTTP statuses; nowhere else."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from inventory_service.domain.errors import (
    AlreadyReceived,
    ExceptionUnknown,
    OrderUnknown,
    UnknownSku,
    UnknownWarehouse,
)
from inventory_service.use_cases.adjust_stock import BelowNothing
from inventory_service.use_cases.import_csv import UnreadableCsv

DOMAIN_ERRORS: Final[Mapping[type[Exception], tuple[int, str]]] = MappingProxyType(
    {
        UnknownWarehouse: (404, "unknown-warehouse"),
        UnknownSku: (404, "unknown-sku"),
        OrderUnknown: (404, "unknown-order"),
        ExceptionUnknown: (404, "unknown-exception"),
        AlreadyReceived: (409, "already-received"),
        BelowNothing: (409, "below-nothing"),
        UnreadableCsv: (422, "unreadable-csv"),
    }
)
