"""What each carrier gives the conformance suite: `<code>/conformance.py` beside its other tests.

The module says, by these names:

opened   folder -> async context of a sandbox of the carrier and a way to its gateway, as a `Ground`
REQUEST  a consignment that the carrier takes
SALE     what the sandbox's faults call the call that makes the carrier charge
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx

from shipping_service.adapters import carriers
from shipping_service.adapters.carrier_registry import load_carriers
from shipping_service.domain.consignment import ConsignmentRequest
from shipping_service.use_cases.ports import Capabilities, Carrier, CarrierGateway


@dataclass(frozen=True)
class Ground:
    """A sandbox at `url`, and gateways to it: a test may change `base_url`, `timeout_s` and `secret`."""

    url: str
    gateway: Callable[..., AbstractAsyncContextManager[CarrierGateway]]

    async def labels(self) -> list[dict[str, Any]]:
        """All that were sold, in the sandbox's own books."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            return list((await client.get("/_sandbox/labels")).json()["rows"])

    async def sold(self) -> int:
        return len(await self.labels())

    async def misbehave(self, operation: str, mode: str, **more: Any) -> None:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            rule = {"operation": operation, "mode": mode, "times": 1, **more}
            answer = await client.put("/_sandbox/faults", json=[rule])
            assert answer.is_success, answer.text


@dataclass(frozen=True)
class Member:
    carrier: Carrier
    capabilities: Capabilities
    opened: Callable[[Path], AbstractAsyncContextManager[Ground]]
    request: ConsignmentRequest
    sale: str


def find_members() -> list[Member]:
    """Every carrier there is a folder for that sells labels. One without a conformance module fails here, by
    its name.
    """
    (root,) = carriers.__path__
    codes = [one.parent.name for one in sorted(Path(root).glob("*/__init__.py"))]
    return [
        _read(carrier, carrier.capabilities)
        for carrier in load_carriers(codes).values()
        if carrier.capabilities is not None
    ]


def _read(carrier: Carrier, capabilities: Capabilities) -> Member:
    said = import_module(f".{carrier.code}.conformance", __package__)
    return Member(carrier, capabilities, said.opened, said.REQUEST, said.SALE)
