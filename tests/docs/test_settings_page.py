"""The page of settings is what the classes say."""

from .settings_page import PAGE, render, settings_classes


def test_the_page_is_as_the_settings_classes_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run `python -m tests.docs.settings_page`"


def test_every_service_and_every_adapter_is_found() -> None:
    prefixes = {one.model_config.get("env_prefix") for one in settings_classes()}

    assert {"ORDER_", "INVENTORY_", "SHIPPING_", "NOTIFY_", "CHANNEL_EMAIL_", "CARRIER_EASYPOST_"} <= prefixes
