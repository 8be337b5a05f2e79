"""Small parts with one promise each."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from crossdock_chassis.config import InvalidSettings
from crossdock_chassis.outgoing import open_http_client
from order_service.adapters.marketplace_registry import BrokenMarketplace, load_marketplaces
from order_service.persistence.sealing import CannotUnseal, Sealer
from order_service.settings import OrderSettings
from order_service.use_cases.ports import Secrets

SECRETS = Secrets(webhook=("a", "b"), access_token="c")


def test_secrets_open_only_with_their_key_and_for_their_account() -> None:
    sealer = Sealer(b"1" * 32)
    sealed = sealer.seal(SECRETS, merchant_id="m", account="lumo")

    assert sealer.open(sealed, merchant_id="m", account="lumo") == SECRETS
    for other, account in ((Sealer(b"2" * 32), "lumo"), (sealer, "other")):
        with pytest.raises(CannotUnseal):
            other.open(sealed, merchant_id="m", account=account)


def test_secrets_are_not_printed() -> None:
    assert repr(SECRETS) == "Secrets()"


def test_a_key_of_another_length_stops_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDER_DATABASE_URL", "postgresql+asyncpg://x/y")
    monkeypatch.setenv("ORDER_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("ORDER_ENCRYPTION_KEY", "c2hvcnQ=")

    with pytest.raises(InvalidSettings, match="ORDER_ENCRYPTION_KEY"):
        OrderSettings.load()


@pytest.mark.parametrize(
    "code", ["raise RuntimeError('broken')", "x = 1", "def open_marketplace(http):\n    return None"]
)
async def test_a_broken_marketplace_folder_stops_the_service(tmp_path: Path, code: str) -> None:
    name = f"broken_{abs(hash(code))}"
    (tmp_path / name / "parrot").mkdir(parents=True)
    (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / name / "parrot" / "__init__.py").write_text(code)
    package = ModuleType(name)
    package.__path__ = [str(tmp_path / name)]
    sys.modules[name] = package

    async with open_http_client("test") as http:
        with pytest.raises(BrokenMarketplace, match="parrot"):
            load_marketplaces(http, package)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MARKETPLACE_SHOPIFY_API_VERSION", "latest"),
        ("MARKETPLACE_WOOCOMMERCE_TRACKING", "pigeon"),
        ("MARKETPLACE_WOOCOMMERCE_READY_STATUSES", "[]"),
    ],
)
async def test_a_marketplaces_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    async with open_http_client("test") as http:
        with pytest.raises(InvalidSettings, match=name):
            load_marketplaces(http)
