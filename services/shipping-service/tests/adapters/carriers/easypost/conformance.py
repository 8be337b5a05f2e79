"""EasyPost in the conformance suite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from crossdock_sandbox.easypost.app import running_easypost
from crossdock_sandbox.easypost.office import EasyPostOptions
from shipping_service.adapters.carriers.easypost.client import EasyPostGateway
from shipping_service.adapters.carriers.easypost.settings import EasyPostSettings
from shipping_service.adapters.carriers.easypost.tests.examples import a_request

from ..members import Ground

KEY = "EZTKexampleKey000000"
REQUEST = a_request()
SALE = "shipment.buy"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Ground]:
    async with running_easypost(folder, options=EasyPostOptions(api_keys=(KEY,))) as sandbox:

        @asynccontextmanager
        async def gateway(
            base_url: str = sandbox.base_url, secret: str = KEY, timeout_s: float = 10
        ) -> AsyncIterator[EasyPostGateway]:
            settings = EasyPostSettings(api_key=SecretStr(secret), base_url=base_url, timeout_s=timeout_s)
            made = EasyPostGateway(settings)
            try:
                yield made
            finally:
                await made.close()

        yield Ground(sandbox.base_url, gateway)
