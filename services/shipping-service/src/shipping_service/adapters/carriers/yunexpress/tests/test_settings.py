from typing import Any

import pytest
from pydantic import ValidationError

from shipping_service.adapters.carriers.yunexpress.tests.examples import the_settings


@pytest.mark.parametrize(
    "url", ["https://openapi.yunexpress.cn", "https://openapi-sbx.yunexpress.cn/", "http://127.0.0.1:8307"]
)
def test_an_address_that_is_encrypted_or_on_this_machine_is_taken(url: str) -> None:
    assert the_settings(base_url=url).base_url == url


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "http://openapi.yunexpress.cn"},
        {"base_url": "https://openapi.yunexpress.cn/v1"},
        {"base_url": "https://user@openapi.yunexpress.cn"},
        {"base_url": "openapi.yunexpress.cn"},
        {"app_id": ""},
        {"app_secret": " "},
        {"webhook_key": " "},
        {"remedies": {"00200001": "hope"}},
        {"timeout_s": 0},
    ],
)
def test_what_cannot_work_stops_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        the_settings(**wrong)


def test_secrets_are_in_no_text() -> None:
    settings = the_settings(webhook_key="k3y-of-the-push", source_key="s0urce")

    assert not [one for one in ("yt_secret", "k3y-of", "s0urce") if one in repr(settings)]


def test_lists_and_tables_are_read_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("APP_ID", "a"),
        ("APP_SECRET", "b"),
        ("NUMBER_NOT_AWAITED", '["THPHU"]'),
        ("CUSTOMS_NUMBER_FIELDS", '{"IOSS": "ioss_code"}'),
        ("REMEDIES", '{"00200001": "fix_address"}'),
    ):
        monkeypatch.setenv(f"CARRIER_YUNEXPRESS_{name}", value)

    settings = type(the_settings()).load()

    assert settings.number_not_awaited == {"THPHU"}
    assert dict(settings.customs_number_fields) == {"IOSS": "ioss_code"}
    assert dict(settings.remedies) == {"00200001": "fix_address"}
