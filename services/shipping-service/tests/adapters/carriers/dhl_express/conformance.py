"""DHL Express in the conformance suite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from crossdock_sandbox.dhl_express.app import DhlExpressOptions, running_dhl_express
from shipping_service.adapters.carriers.dhl_express.client import DhlExpressGateway
from shipping_service.adapters.carriers.dhl_express.tests.examples import (
    ACCOUNT,
    KEY,
    a_request,
    the_settings,
)
from shipping_service.adapters.carriers.dhl_express.tests.examples import SECRET as API_SECRET

from ..members import Ground

REQUEST = a_request()
SALE = "shipment.create"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Ground]:
    options = DhlExpressOptions(login=f"{KEY}:{API_SECRET}", accounts=(ACCOUNT,))
    async with running_dhl_express(folder, options=options) as sandbox:

        @asynccontextmanager
        async def gateway(
            base_url: str = f"{sandbox.base_url}/mydhlapi", secret: str = API_SECRET, timeout_s: float = 10
        ) -> AsyncIterator[DhlExpressGateway]:
            settings = the_settings(base_url=base_url, api_secret=SecretStr(secret), timeout_s=timeout_s)
            made = DhlExpressGateway(settings)
            try:
                yield made
            finally:
                await made.close()

        yield Ground(sandbox.base_url, gateway)
