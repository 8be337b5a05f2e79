"""What the use cases need of the world, as Protocols: the carrier's side."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from shipping_service.domain.consignment import BoughtLabel, ConsignmentRequest, VoidOutcome


class CarrierRejected(Exception):
    """They understood and said no; asking again unchanged will not help.

    `code` is theirs, kept as it came; `field` is ours (`ship_to.phone`) where it is known. Neither holds
    personal data.
    """

    def __init__(self, code: str, field: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.field = field


class CarrierUnavailable(Exception):
    """Nothing was sent, or they asked us to slow down; later is fine."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class CarrierMisconfigured(Exception):
    """Our account or credentials are refused: no parcel's fault; nothing goes on until a person mends it."""


class CarrierOutcomeUnknown(Exception):
    """It may have happened. Call `find` before anything else. `reference` is ours."""

    def __init__(self, reference: str) -> None:
        super().__init__(reference)
        self.reference = reference


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the carrier can do; what it cannot, the use cases do not ask for."""

    can_find: bool  # a label can be looked up after an unknown outcome
    can_void: bool
    void_is_async: bool


class CarrierGateway(Protocol):
    """One carrier account. Every call is bounded in time and raises only the errors of this module."""

    async def prepare(self, request: ConsignmentRequest) -> str | None:
        """Create what costs nothing and has an id to ask by later; the caller stores the id before it buys.

        None where the carrier has no such step. Safe to repeat: an unpaid shipment binds nobody.
        """

    async def buy(self, request: ConsignmentRequest, carrier_ref: str | None) -> BoughtLabel:
        """Buy the label. Not safe to repeat: after CarrierOutcomeUnknown ask `find`."""

    async def find(self, request: ConsignmentRequest, carrier_ref: str | None) -> BoughtLabel | None:
        """The label as bought, or None when the carrier says that it was not. Safe to repeat."""

    async def void(self, carrier_ref: str) -> VoidOutcome:
        """Ask for the label to be taken back. Safe to repeat."""

    async def void_state(self, carrier_ref: str) -> VoidOutcome:
        """What became of an earlier `void`. Safe to repeat."""

    async def close(self) -> None:
        """Give the connections back; nothing is called afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """What a carrier's folder offers as `CARRIER`: all that the registry reads of it.

    `open_gateway` is called once per process, inside the event loop; it reads the carrier's own settings and
    raises when they do not add up. `calls_at_once` and `calls_per_s` are bounds per process.
    """

    code: str
    capabilities: Capabilities
    open_gateway: Callable[[], CarrierGateway]
    calls_at_once: int = 8
    calls_per_s: float | None = None
