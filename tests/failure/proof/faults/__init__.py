"""The faults the proof injects: one function each, which returns when its fault is over."""

from .broker_faults import BROKER_FAULTS
from .database_faults import DATABASE_FAULTS
from .entry_faults import ENTRY_FAULTS
from .kind import Kind, Scene
from .outside_faults import OUTSIDE_FAULTS
from .process_faults import PROCESS_FAULTS
from .record_faults import RECORD_FAULTS
from .release_faults import RELEASE_FAULTS
from .wire_faults import WIRE_FAULTS

KINDS: tuple[Kind, ...] = (
    *PROCESS_FAULTS,
    *BROKER_FAULTS,
    *RECORD_FAULTS,
    *WIRE_FAULTS,
    *DATABASE_FAULTS,
    *OUTSIDE_FAULTS,
    *ENTRY_FAULTS,
    *RELEASE_FAULTS,
)

__all__ = ["KINDS", "Kind", "Scene"]
