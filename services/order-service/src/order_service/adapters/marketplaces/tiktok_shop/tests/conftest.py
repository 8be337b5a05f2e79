from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock_chassis.outgoing import open_http_client
from crossdock_sandbox.tiktok_shop.app import running_tiktok_shop

from .a_shop import Shop


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with running_tiktok_shop(tmp_path) as sandbox, open_http_client("tiktok_shop") as http:
        shop = Shop.of(sandbox, http)
        await shop.install()
        await shop.put_order()
        yield shop
