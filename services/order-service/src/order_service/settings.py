"""ORDER_*: what order-service is told."""

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import ServiceSettings


def _thirty_two_bytes(given: SecretStr) -> SecretStr:
    try:
        key = base64.b64decode(given.get_secret_value(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise ValueError("must be 32 bytes in base64")
    return given


class OrderSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="ORDER_")

    encryption_key: Annotated[SecretStr, AfterValidator(_thirty_two_bytes)] = Field(
        description="32 bytes in base64: seals the marketplace accounts' secrets in the database."
    )
    personal_order_days: int = Field(
        default=180, ge=1, le=3650, description="Days after which an order's consignee and buyer are erased."
    )
    personal_message_days: int = Field(
        default=30, ge=1, le=3650, description="Days after which the body of a raw message is erased."
    )
    marketplace_concurrency: int = Field(
        default=16, ge=1, le=100, description="Calls at once to one marketplace, per process."
    )

    @property
    def key(self) -> bytes:
        return base64.b64decode(self.encryption_key.get_secret_value())
