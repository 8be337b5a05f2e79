"""A carrier that does as a test says and keeps its own books."""

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from shipping_service.domain.consignment import (
    BoughtLabel,
    ConsignmentRequest,
    Document,
    DocumentKind,
    VoidOutcome,
)
from shipping_service.use_cases.ports import CarrierOutcomeUnknown, Prepared

PDF = b"%PDF-1.7 a label"


@dataclass(frozen=True)
class Lost:
    """The call's answer gets lost; `done` tells whether it did anything."""

    done: bool


@dataclass
class ScriptedCarrier:
    """`on(step, ...)` says what the next calls of a step do: an error to raise, `Lost`, or a VoidOutcome.

    `bought`: carrier reference -> label, what the carrier has been paid for. `before(step, ...)` runs in the
    middle of the next call, after the request left.
    """

    calls: list[str] = field(default_factory=list)
    requests: list[ConsignmentRequest] = field(default_factory=list)
    bought: dict[str, BoughtLabel] = field(default_factory=dict)
    voided: list[str] = field(default_factory=list)
    _script: dict[str, deque[object]] = field(default_factory=lambda: defaultdict(deque))
    _between: dict[str, deque[Callable[[], Awaitable[object]]]] = field(
        default_factory=lambda: defaultdict(deque)
    )

    def on(self, step: str, *outcomes: object) -> None:
        self._script[step] += outcomes

    def during(self, step: str, action: Callable[[], Awaitable[object]]) -> None:
        self._between[step].append(action)

    async def prepare(self, request: ConsignmentRequest) -> Prepared:
        self.requests.append(request)
        outcome = await self._called("prepare")
        if isinstance(outcome, Lost):
            raise CarrierOutcomeUnknown(request.reference)
        return Prepared(f"shp_{request.reference}")

    async def buy(self, request: ConsignmentRequest, prepared: Prepared) -> BoughtLabel:
        self.requests.append(request)
        ref = prepared.carrier_ref or f"shp_{request.reference}"
        outcome = await self._called("buy")
        if isinstance(outcome, Lost) and not outcome.done:
            raise CarrierOutcomeUnknown(request.reference)
        label = self.bought.setdefault(ref, _label(ref, request))
        if isinstance(outcome, Lost):
            raise CarrierOutcomeUnknown(request.reference)
        return label

    async def find(self, request: ConsignmentRequest, carrier_ref: str | None) -> BoughtLabel | None:
        outcome = await self._called("find")
        if isinstance(outcome, Lost):
            raise CarrierOutcomeUnknown(request.reference)
        return self.bought.get(carrier_ref or f"shp_{request.reference}")

    async def void(self, carrier_ref: str) -> VoidOutcome:
        return await self._void("void", carrier_ref)

    async def void_state(self, carrier_ref: str) -> VoidOutcome:
        return await self._void("void_state", carrier_ref)

    async def close(self) -> None:
        self.calls.append("close")

    async def _void(self, step: str, carrier_ref: str) -> VoidOutcome:
        outcome = await self._called(step)
        if isinstance(outcome, Lost):
            raise CarrierOutcomeUnknown(carrier_ref)
        result = outcome if isinstance(outcome, VoidOutcome) else VoidOutcome.VOIDED
        if result is VoidOutcome.VOIDED:
            self.voided.append(carrier_ref)
        return result

    async def _called(self, step: str) -> object:
        self.calls.append(step)
        if self._between[step]:
            await self._between[step].popleft()()
        outcome = self._script[step].popleft() if self._script[step] else None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def _label(ref: str, request: ConsignmentRequest) -> BoughtLabel:
    return BoughtLabel(
        carrier_ref=ref,
        carrier="Scripted Post",
        service=request.service,
        tracking_number=f"TRACK-{request.reference}",
        tracking_url=None,
        cost_minor=499,
        cost_currency="EUR",
        cost_exponent=2,
        documents=(Document(DocumentKind.LABEL, "application/pdf", PDF + request.reference.encode()),),
        tracker_ref="trk_1",
    )
