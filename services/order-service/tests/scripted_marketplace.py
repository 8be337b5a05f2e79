"""A marketplace for tests of the machinery: it does what the test says, and keeps books."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from order_service.adapters.marketplaces.shopify.mapping import read_order
from order_service.use_cases.marketplace import (
    IssuedLabel,
    LabelWish,
    Marketplace,
    StockNumber,
    StockTelling,
)


async def _nothing() -> None:
    return None


def raising(error: Exception) -> Callable[[], Awaitable[None]]:
    """A step of a script that fails."""

    async def act() -> None:
        raise error

    return act


@dataclass
class ScriptedMarketplace:
    """Before each call it does the next thing of `script`, which may raise; then what was asked for."""

    script: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    refuses: Mapping[str, str] = field(default_factory=dict)
    stock: dict[str, int] = field(default_factory=dict)
    calls: list[Any] = field(default_factory=list)
    label: IssuedLabel | None = None

    async def _next(self, call: Any) -> None:
        self.calls.append(call)
        await (self.script.pop(0) if self.script else _nothing)()

    async def tell_stock(self, numbers: Sequence[StockNumber]) -> Mapping[str, str]:
        await self._next({one.external_sku: one.units for one in numbers})
        refused = {
            one.external_sku: self.refuses[one.external_sku]
            for one in numbers
            if one.external_sku in self.refuses
        }
        self.stock |= {one.external_sku: one.units for one in numbers if one.external_sku not in refused}
        return refused

    async def cancel(self, external_id: str, reason: str) -> str:
        await self._next((external_id, reason))
        return f"cancel:{external_id}"

    async def issue_label(self, wish: LabelWish) -> IssuedLabel:
        await self._next(wish)
        assert self.label is not None
        return self.label

    def offered(self, *, batch: int = 10, **changes: Any) -> Mapping[str, Marketplace]:
        """The registry with this marketplace alone, in Shopify's place."""
        values: dict[str, Any] = {
            "code": "shopify",
            "writes_tracking": False,
            "fetched_topic": "orders/updated",
            "verify": lambda account, headers, body: None,
            "read": read_order,
            "open_gateway": lambda account, meter: self,
            "stock": StockTelling(lambda account, meter: self, batch),
            "open_canceller": lambda account, meter: self,
            "open_issuer": lambda account, meter: self,
        }
        return {"shopify": Marketplace(**{**values, **changes})}
