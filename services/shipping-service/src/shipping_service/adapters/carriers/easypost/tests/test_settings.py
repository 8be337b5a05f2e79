"""CARRIER_EASYPOST_* from the environment."""

import pytest

from crossdock_chassis.config import InvalidSettings
from shipping_service.adapters.carriers.easypost.settings import EasyPostSettings

KEY = "EZTKexampleKey000000"


@pytest.fixture(autouse=True)
def api_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARRIER_EASYPOST_API_KEY", KEY)


def test_a_key_is_enough_and_is_not_shown() -> None:
    settings = EasyPostSettings.load()

    assert settings.base_url == "https://api.easypost.com"
    assert settings.label_format == "PDF"
    assert KEY not in repr(settings)


@pytest.mark.parametrize("url", ["https://parcels.example", "http://127.0.0.1:8302", "http://[::1]:8302"])
def test_the_key_goes_out_encrypted_or_stays_on_this_machine(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARRIER_EASYPOST_BASE_URL", url)

    assert EasyPostSettings.load().base_url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASE_URL", "http://api.easypost.com"),
        ("BASE_URL", "http://127.0.0.1.example"),
        ("BASE_URL", "ftp://127.0.0.1"),
        ("BASE_URL", "api.easypost.com"),
        ("BASE_URL", "https://someone@api.easypost.com"),
        ("LABEL_FORMAT", "ZPL"),
        ("API_KEY", " "),
        ("TIMEOUT_S", "61"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"CARRIER_EASYPOST_{name}", value)

    with pytest.raises(InvalidSettings) as stopped:
        EasyPostSettings.load()

    assert KEY not in str(stopped.value)
