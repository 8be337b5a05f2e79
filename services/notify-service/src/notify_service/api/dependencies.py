"""What routes ask for."""

from typing import Annotated

from fastapi import Depends, Request

from crossdock_chassis.http import Principal, database_of, require
from notify_service.persistence.transaction import NotifyDatabase
from notify_service.use_cases.ports import Renderer as RendererPort


def renderer_of(request: Request) -> RendererPort:
    renderer: RendererPort = request.app.state.renderer
    return renderer


Database = Annotated[NotifyDatabase, Depends(database_of)]
Reader = Annotated[Principal, Depends(require("notifications:read"))]
Writer = Annotated[Principal, Depends(require("notifications:write"))]
Renderer = Annotated[RendererPort, Depends(renderer_of)]
