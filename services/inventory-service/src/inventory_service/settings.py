"""INVENTORY_*: what inventory-service is told."""

from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import ServiceSettings


class InventorySettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="INVENTORY_")
