"""What the API takes and gives of telling marketplaces of stock."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from order_service.api.models import Given
from order_service.domain.stock import Dials
from order_service.use_cases.stock_ports import Backlog, DialsSet

MOST_UNITS = 1_000_000_000


class DialsGiven(Given):
    """How much of the stock there is the marketplace may sell, in the order in which it is applied."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"enabled": True, "warehouses": ["W1"], "stop_at": 2, "buffer": 1, "percent": 80}]
        }
    )

    enabled: bool = Field(default=False, description="off: the marketplace is told nothing")
    warehouses: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] | None = Field(
        default=None, min_length=1, max_length=100, description="those that count; null: all"
    )
    stop_at: int = Field(
        default=0, ge=0, le=MOST_UNITS, description="with so many units or fewer nothing is offered"
    )
    buffer: int = Field(default=0, ge=0, le=MOST_UNITS, description="units that are kept back")
    percent: int = Field(default=100, ge=0, le=100, description="of what is left, rounded down")
    max: int | None = Field(default=None, ge=0, le=MOST_UNITS, description="never more than this")

    def kept(self) -> DialsSet:
        warehouses = None if self.warehouses is None else frozenset(self.warehouses)
        return DialsSet(self.enabled, Dials(warehouses, self.stop_at, self.buffer, self.percent, self.max))


class DialsShown(DialsGiven):
    waiting: int = Field(description="SKUs whose number is still to be told")
    waiting_since: datetime | None
    refused: int = Field(description="SKUs whose number the marketplace has refused")

    @classmethod
    def of(cls, kept: DialsSet, backlog: Backlog) -> "DialsShown":
        dials = kept.dials
        return cls(
            enabled=kept.enabled,
            warehouses=None if dials.warehouses is None else tuple(sorted(dials.warehouses)),
            stop_at=dials.stop_at,
            buffer=dials.buffer,
            percent=dials.percent,
            max=dials.most,
            waiting=backlog.waiting,
            waiting_since=backlog.oldest,
            refused=backlog.refused,
        )


class ListingShown(BaseModel):
    """`wanted` that is not `told` is on its way, unless it was refused."""

    external_sku: str
    wanted: int | None
    told: int | None
    told_at: datetime | None
    waiting_since: datetime | None
    refused: str | None = Field(description="the marketplace's code")


class PreviewShown(BaseModel):
    external_sku: str
    told: int | None
    units: int | None = Field(description="what would be told; null: nothing")
    why: tuple[str, ...]
