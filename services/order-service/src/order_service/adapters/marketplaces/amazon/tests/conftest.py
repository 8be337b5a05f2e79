from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock_chassis.outgoing import open_http_client
from crossdock_sandbox.amazon.app import running_amazon

from .world import Seller


@pytest.fixture
async def seller(tmp_path: Path) -> AsyncIterator[Seller]:
    """A seller in a sandbox of their own, with an order and a good access token."""
    async with running_amazon(tmp_path) as sandbox, open_http_client("amazon") as http:
        seller = Seller(sandbox, http)
        await seller.install()
        yield seller
