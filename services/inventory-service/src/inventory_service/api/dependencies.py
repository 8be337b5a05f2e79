"""What routes ask for."""

from typing import Annotated

from fastapi import Depends, Header, Path

from crossdock_chassis.database import Database as ChassisDatabase
from crossdock_chassis.http import Principal, database_of, require
from inventory_service.domain.because import Because
from inventory_service.persistence.database import InventoryTransaction

Database = Annotated[ChassisDatabase[InventoryTransaction], Depends(database_of)]
Reader = Annotated[Principal, Depends(require("stock:read"))]
Writer = Annotated[Principal, Depends(require("stock:write"))]
WarehouseCode = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
SkuName = Annotated[str, Path(min_length=1, max_length=128)]
#: Where the body has no room for a reason.
Reason = Annotated[str | None, Header(alias="X-Reason", max_length=500)]


def because_of(principal: Principal, reason: str | None) -> Because:
    actor = principal.actor
    return Because(actor.kind, actor.name, reason)
