"""CARRIER_DHL_EXPRESS_* from the environment."""

import pytest

from crossdock_chassis.config import InvalidSettings
from shipping_service.adapters.carriers.dhl_express.settings import DhlExpressSettings

SECRET = "a-secret-that-nobody-sees"
ENOUGH = {
    "API_KEY": "a-key-that-nobody-sees",
    "API_SECRET": SECRET,
    "ACCOUNT_NUMBER": "123456789",
    "TIME_ZONE": "Europe/Berlin",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENOUGH.items():
        monkeypatch.setenv(f"CARRIER_DHL_EXPRESS_{name}", value)


def test_a_login_an_account_and_a_time_zone_are_enough_and_the_login_is_not_shown() -> None:
    settings = DhlExpressSettings.load()

    assert settings.base_url == "https://express.api.dhl.com/mydhlapi"
    assert (settings.label_format, settings.label_template) == ("PDF", "ECOM26_84_001")
    assert "nobody-sees" not in repr(settings)


@pytest.mark.parametrize("name", ENOUGH)
def test_none_of_these_has_a_default(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"CARRIER_DHL_EXPRESS_{name}")

    with pytest.raises(InvalidSettings):
        DhlExpressSettings.load()


@pytest.mark.parametrize("url", ["https://express.example/mydhlapi/test", "http://127.0.0.1:8305/mydhlapi"])
def test_the_login_goes_out_encrypted_or_stays_on_this_machine(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARRIER_DHL_EXPRESS_BASE_URL", url)

    assert DhlExpressSettings.load().base_url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASE_URL", "http://express.api.dhl.com/mydhlapi"),
        ("BASE_URL", "http://127.0.0.1.example"),
        ("BASE_URL", "express.api.dhl.com"),
        ("BASE_URL", "https://someone@express.api.dhl.com"),
        ("API_KEY", " "),
        ("API_SECRET", " "),
        ("ACCOUNT_NUMBER", "1234567890123"),
        ("DUTIES_ACCOUNT_NUMBER", "12 34"),
        ("TIME_ZONE", "Europe/Potsdam"),
        ("TIME_ZONE", "../etc/passwd"),
        ("LEAVES_AFTER_H", "0"),
        ("LEAVES_AFTER_H", "241"),
        ("LABEL_FORMAT", "PNG"),
        ("LABEL_TEMPLATE", "ECOM_4X6"),
        ("LABEL_DPI", "203"),
        ("CONTENTS", " "),
        ("TIMEOUT_S", "61"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"CARRIER_DHL_EXPRESS_{name}", value)

    with pytest.raises(InvalidSettings) as stopped:
        DhlExpressSettings.load()

    assert SECRET not in str(stopped.value)
