import pytest
from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import InvalidSettings, ServiceSettings, environment_name


class OrderSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="ORDER_")

    webhook_secret: SecretStr
    codes: tuple[str, ...] = ()


URL = "postgresql+asyncpg://order_app:s3cret@db/crossdock_order"
COMPLETE = {
    "ORDER_DATABASE_URL": URL,
    "ORDER_KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "ORDER_WEBHOOK_SECRET": "s3cret",
}


def set_environment(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_settings_come_from_prefixed_variables_and_never_change(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, COMPLETE)

    settings = OrderSettings.load()

    assert settings.database_url.get_secret_value() == URL
    assert settings.direct_url.get_secret_value() == URL
    assert settings.kafka("order").bootstrap_servers == "kafka:9092"
    assert "s3cret" not in repr(settings)
    with pytest.raises(ValidationError):
        settings.http_port = 1  # type: ignore[misc]


def test_a_list_that_is_no_json_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, {**COMPLETE, "ORDER_CODES": "s3cret, another"})

    with pytest.raises(InvalidSettings, match=r'ORDER_.*"codes".*JSON') as stopped:
        OrderSettings.load()

    assert "s3cret" not in str(stopped.value)


def test_every_missing_and_wrong_variable_is_named_at_once_without_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = {
        "ORDER_DATABASE_URL": "postgres://order_app:s3cret@db/x",
        "ORDER_KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
        "ORDER_HTTP_PORT": "70000",
        "ORDER_LOG_FORMAT": "s3cret",
    }
    set_environment(monkeypatch, wrong)

    with pytest.raises(InvalidSettings) as raised:
        OrderSettings.load()

    text = str(raised.value)
    assert "ORDER_WEBHOOK_SECRET: is not set" in text
    assert "ORDER_DATABASE_URL: Value error, must begin with postgresql+asyncpg://" in text
    assert "ORDER_HTTP_PORT: Input should be less than or equal to 65535" in text
    assert "ORDER_LOG_FORMAT: " in text
    assert "s3cret" not in text
    assert "70000" not in text


def test_every_setting_is_described_and_has_a_name_in_the_environment() -> None:
    described = {
        environment_name(ServiceSettings, name): one for name, one in ServiceSettings.model_fields.items()
    }

    assert "DATABASE_URL" in described
    assert [name for name, one in described.items() if not one.description] == []


def test_secrets_and_addresses_have_no_default() -> None:
    required = {name for name, one in ServiceSettings.model_fields.items() if one.is_required()}

    assert required == {"database_url", "kafka_bootstrap_servers"}
