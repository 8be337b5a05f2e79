"""CARRIER_SEVENTEEN_TRACK_* from the environment."""

import pytest

from crossdock_chassis.config import InvalidSettings
from shipping_service.adapters.carriers.seventeen_track import CARRIER
from shipping_service.adapters.carriers.seventeen_track.settings import SeventeenTrackSettings

KEY = "0123456789ABCDEF0123456789ABCDEF"


@pytest.fixture(autouse=True)
def api_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARRIER_SEVENTEEN_TRACK_API_KEY", KEY)


def test_a_key_is_enough_and_is_not_shown() -> None:
    settings = SeventeenTrackSettings.load()

    assert settings.base_url == "https://api.17track.net/track/v2.2"
    assert KEY not in repr(settings)


def test_while_the_key_is_changed_pushes_are_proven_by_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARRIER_SEVENTEEN_TRACK_PREVIOUS_API_KEY", "the one before")

    assert CARRIER.tracking is not None
    assert CARRIER.tracking.webhook is not None
    assert CARRIER.tracking.webhook.secrets() == (KEY, "the one before")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASE_URL", "http://api.17track.net/track/v2.2"),
        ("BASE_URL", "api.17track.net"),
        ("BASE_URL", "https://someone@api.17track.net"),
        ("API_KEY", " "),
        ("PREVIOUS_API_KEY", ""),
        ("CARRIER_KEYS", '{"yanwen": 0}'),
        ("CARRIER_KEYS", "yanwen"),
        ("TIMEOUT_S", "61"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"CARRIER_SEVENTEEN_TRACK_{name}", value)

    with pytest.raises(InvalidSettings) as stopped:
        SeventeenTrackSettings.load()

    assert KEY not in str(stopped.value)
