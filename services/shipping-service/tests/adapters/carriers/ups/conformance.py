"""UPS in the conformance suite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from crossdock_sandbox.ups.app import running_ups
from crossdock_sandbox.ups.office import UpsOptions
from shipping_service.adapters.carriers.ups.client import UpsGateway
from shipping_service.adapters.carriers.ups.tests.examples import ACCOUNT, CLIENT, a_request, the_settings
from shipping_service.adapters.carriers.ups.tests.examples import SECRET as CLIENT_SECRET

from ..members import Ground

REQUEST = a_request()
SALE = "shipment.create"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Ground]:
    options = UpsOptions(login=f"{CLIENT}:{CLIENT_SECRET}", accounts=(ACCOUNT,))
    async with running_ups(folder, options=options) as sandbox:

        @asynccontextmanager
        async def gateway(
            base_url: str = sandbox.base_url, secret: str = CLIENT_SECRET, timeout_s: float = 10
        ) -> AsyncIterator[UpsGateway]:
            settings = the_settings(base_url=base_url, client_secret=SecretStr(secret), timeout_s=timeout_s)
            made = UpsGateway(settings)
            try:
                yield made
            finally:
                await made.close()

        yield Ground(sandbox.base_url, gateway)
