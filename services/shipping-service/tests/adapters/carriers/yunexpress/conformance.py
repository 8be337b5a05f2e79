"""YunExpress in the conformance suite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from crossdock_sandbox.yunexpress.app import YunExpressOptions, running_yunexpress
from shipping_service.adapters.carriers.yunexpress.client import YunExpressGateway
from shipping_service.adapters.carriers.yunexpress.tests.examples import (
    APP_ID,
    APP_SECRET,
    a_request,
    the_settings,
)

from ..members import Ground

REQUEST = a_request()
SALE = "order.create"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Ground]:
    async with running_yunexpress(folder, options=YunExpressOptions(app=f"{APP_ID}:{APP_SECRET}")) as sandbox:

        @asynccontextmanager
        async def gateway(
            base_url: str = sandbox.base_url, secret: str = APP_SECRET, timeout_s: float = 10
        ) -> AsyncIterator[YunExpressGateway]:
            settings = the_settings(base_url=base_url, app_secret=SecretStr(secret), timeout_s=timeout_s)
            made = YunExpressGateway(settings)
            try:
                yield made
            finally:
                await made.close()

        yield Ground(sandbox.base_url, gateway)
