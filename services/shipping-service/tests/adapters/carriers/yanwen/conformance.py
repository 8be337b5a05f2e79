"""Yanwen in the conformance suite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from crossdock_sandbox.yanwen.app import YanwenOptions, running_yanwen
from shipping_service.adapters.carriers.yanwen.client import YanwenGateway
from shipping_service.adapters.carriers.yanwen.tests.examples import (
    API_TOKEN,
    USER_ID,
    a_request,
    the_settings,
)

from ..members import Ground

REQUEST = a_request()
SALE = "express.order.create"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Ground]:
    async with running_yanwen(folder, options=YanwenOptions(account=f"{USER_ID}:{API_TOKEN}")) as sandbox:

        @asynccontextmanager
        async def gateway(
            base_url: str = sandbox.base_url, secret: str = API_TOKEN, timeout_s: float = 10
        ) -> AsyncIterator[YanwenGateway]:
            settings = the_settings(base_url=base_url, api_token=SecretStr(secret), timeout_s=timeout_s)
            made = YanwenGateway(settings)
            try:
                yield made
            finally:
                await made.close()

        yield Ground(sandbox.base_url, gateway)
