from typing import Any

import pytest
from pydantic import ValidationError

from shipping_service.adapters.carriers.yanwen.tests.examples import the_settings


@pytest.mark.parametrize(
    "taken",
    [
        {"base_url": "https://open-fat.yw56.com.cn/", "tracking_url": "http://127.0.0.1:8315"},
        {"base_url": "http://127.0.0.1:8315"},
        {"tracking_url": "http://api.track.yw56.com.cn", "tracking_unencrypted": True},
    ],
)
def test_an_address_that_is_encrypted_or_on_this_machine_is_taken(taken: dict[str, Any]) -> None:
    the_settings(**taken)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "http://open.yw56.com.cn"},
        {"base_url": "http://open.yw56.com.cn", "tracking_unencrypted": True},
        {"base_url": "https://open.yw56.com.cn/api/order"},
        {"base_url": "open.yw56.com.cn"},
        {"tracking_url": "http://api.track.yw56.com.cn"},
        {"tracking_url": "ftp://api.track.yw56.com.cn", "tracking_unencrypted": True},
        {"user_id": ""},
        {"api_token": " "},
        {"merchant_number": " "},
        {"remedies": {"1001": "hope"}},
    ],
)
def test_what_cannot_work_stops_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        the_settings(**wrong)


def test_secrets_are_in_no_text() -> None:
    assert not [one for one in ("yw-token", "YW-M") if one in repr(the_settings())]
