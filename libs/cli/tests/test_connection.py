"""Where the commands look for another installation."""

from pathlib import Path

import pytest

from crossdock_cli.connection import connect
from crossdock_cli.stack.folder import DataFolder


def test_another_installation_may_have_sandboxes_and_a_shop_gets_secrets_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSDOCK_ORDER_URL", "http://order:8101")
    monkeypatch.setenv("CROSSDOCK_SHOPIFY_URL", "http://shopify:8301/")

    first, second = (connect(DataFolder(tmp_path), token="t") for _ in range(2))

    assert first.urls == {"order": "http://order:8101", "shopify": "http://shopify:8301"}
    assert len(first.secrets["shopify_client_secret"]) == 32
    assert first.secrets["shopify_client_secret"] != second.secrets["shopify_client_secret"]
