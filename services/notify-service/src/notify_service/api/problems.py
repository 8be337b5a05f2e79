"""Domain errors as HTTP statuses; nowhere else."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from notify_service.domain.errors import IllegalMove, MessageUnknown, OrderUnknown, TemplateUnknown

DOMAIN_ERRORS: Final[Mapping[type[Exception], tuple[int, str]]] = MappingProxyType(
    {
        MessageUnknown: (404, "unknown-message"),
        OrderUnknown: (404, "unknown-order"),
        TemplateUnknown: (404, "unknown-template"),
        IllegalMove: (409, "illegal-move"),
    }
)
