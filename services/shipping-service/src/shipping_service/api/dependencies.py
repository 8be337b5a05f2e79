"""What routes ask for."""

from typing import Annotated

from fastapi import Depends

from crossdock_chassis.http import Principal, database_of, require
from shipping_service.persistence.transaction import ShippingDatabase

Database = Annotated[ShippingDatabase, Depends(database_of)]
Reader = Annotated[Principal, Depends(require("shipments:read"))]
Writer = Annotated[Principal, Depends(require("shipments:write"))]
