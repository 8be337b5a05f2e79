"""Domain errors as HTTP statuses; nowhere else."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shipping_service.domain.errors import (
    HandOverRefused,
    NotRepairable,
    NotUnknown,
    UnusableRepair,
    UnusableRule,
)
from shipping_service.use_cases.ports import NotFound

DOMAIN_ERRORS: Final[Mapping[type[Exception], tuple[int, str]]] = MappingProxyType(
    {
        NotFound: (404, "not-found"),
        HandOverRefused: (409, "hand-over-refused"),
        NotRepairable: (409, "not-repairable"),
        NotUnknown: (409, "not-unknown"),
        UnusableRepair: (422, "unusable-repair"),
        UnusableRule: (422, "unusable-rule"),
    }
)
