"""CARRIER_UPS_* from the environment."""

import pytest

from crossdock_chassis.config import InvalidSettings
from shipping_service.adapters.carriers.ups.settings import UpsSettings

SECRET = "a-secret-that-nobody-sees"
ENOUGH = {
    "CLIENT_ID": "a-client-that-nobody-sees",
    "CLIENT_SECRET": SECRET,
    "ACCOUNT_NUMBER": "CD0001",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENOUGH.items():
        monkeypatch.setenv(f"CARRIER_UPS_{name}", value)


def test_a_login_and_an_account_are_enough_and_the_login_is_not_shown() -> None:
    settings = UpsSettings.load()

    assert settings.base_url == "https://onlinetools.ups.com"
    assert (settings.label_format, settings.units) == ("ZPL", "metric")
    assert "nobody-sees" not in repr(settings)


@pytest.mark.parametrize("name", ENOUGH)
def test_none_of_these_has_a_default(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"CARRIER_UPS_{name}")

    with pytest.raises(InvalidSettings):
        UpsSettings.load()


@pytest.mark.parametrize("url", ["https://wwwcie.ups.com", "http://127.0.0.1:8307"])
def test_the_login_goes_out_encrypted_or_stays_on_this_machine(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARRIER_UPS_BASE_URL", url)

    assert UpsSettings.load().base_url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASE_URL", "http://onlinetools.ups.com"),
        ("BASE_URL", "onlinetools.ups.com"),
        ("BASE_URL", "https://someone@onlinetools.ups.com"),
        ("CLIENT_ID", " "),
        ("CLIENT_SECRET", " "),
        ("WEBHOOK_KEY", " "),
        ("ACCOUNT_NUMBER", "12345"),
        ("ACCOUNT_NUMBER", "abcdef"),
        ("UNITS", "stones"),
        ("LABEL_FORMAT", "PDF"),
        ("CONTENTS", " "),
        ("TIMEOUT_S", "61"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"CARRIER_UPS_{name}", value)

    with pytest.raises(InvalidSettings) as stopped:
        UpsSettings.load()

    assert SECRET not in str(stopped.value)
