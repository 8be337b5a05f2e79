import pytest

from crossdock_chassis.config import InvalidSettings
from notify_service.adapters.channels.email.settings import EmailSettings

GOOD = {"HOST": "mail.example.com", "SENDER": "Lumo <orders@lumo-demo.example>"}


def load(monkeypatch: pytest.MonkeyPatch, **given: str) -> EmailSettings:
    for name, value in {**GOOD, **given}.items():
        monkeypatch.setenv(f"CHANNEL_EMAIL_{name}", value)
    return EmailSettings.load()


@pytest.mark.parametrize(
    ("host", "security", "expected"),
    [
        ("mail.example.com", "auto", "starttls"),
        ("127.0.0.1", "auto", "none"),
        ("mail.example.com", "tls", "tls"),
        ("mail.example.com", "none", "none"),
    ],
)
def test_only_this_very_machine_is_talked_to_in_the_clear_unless_told(
    monkeypatch: pytest.MonkeyPatch, host: str, security: str, expected: str
) -> None:
    settings = load(monkeypatch, HOST=host, SECURITY=security)

    assert settings.encryption == expected


@pytest.mark.parametrize(
    "given",
    [
        {"SENDER": "nobody"},
        {"SENDER": "Lumo <orders@lumo-demo.example>\nBcc: x@example.com"},
        {"USERNAME": "lumo"},
        {"USERNAME": "lumo", "PASSWORD": "secret-word", "SECURITY": "none"},
        {"LIST_UNSUBSCRIBE": "<javascript:alert(1)>"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused_without_showing_them(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str]
) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(monkeypatch, **given)

    assert "secret-word" not in str(caught.value)
    assert "Bcc" not in str(caught.value)
