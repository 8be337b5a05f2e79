"""What routes ask for."""

from typing import Annotated

from fastapi import Depends

from crossdock_chassis.http import Principal, database_of, require
from order_service.persistence.transaction import OrderDatabase

Database = Annotated[OrderDatabase, Depends(database_of)]
Reader = Annotated[Principal, Depends(require("orders:read"))]
Writer = Annotated[Principal, Depends(require("orders:write"))]
