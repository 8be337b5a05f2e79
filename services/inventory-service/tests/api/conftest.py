"""The real application on the real database, asked over ASGI."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from crossdock_chassis.http import add_token
from inventory_service.api.app import build_app
from inventory_service.messaging import HANDLERS

from ..samples import MERCHANT
from ..stage import Stage


@dataclass
class Api:
    """`client` may read and write stock of the default merchant."""

    client: httpx.AsyncClient
    stage: Stage

    async def token(self, *, merchant_id: str = MERCHANT, scopes: tuple[str, ...]) -> dict[str, str]:
        made = await add_token(self.stage.database, name="anna", merchant_id=merchant_id, scopes=scopes)
        return {"authorization": f"Bearer {made}"}


@pytest.fixture
async def api(stage: Stage) -> AsyncIterator[Api]:
    transport = httpx.ASGITransport(build_app(stage.database, HANDLERS))
    async with httpx.AsyncClient(transport=transport, base_url="http://inventory") as client:
        api = Api(client, stage)
        client.headers.update(await api.token(scopes=("stock:read", "stock:write")))
        yield api
