"""MARKETPLACE_GENERIC_*: what is the same for every shop; a shop's own secrets are in its account."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import Settings


class GenericSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="MARKETPLACE_GENERIC_")

    #: Whether shops' addresses may lead into private networks and to this machine, there without TLS too.
    #: Whoever connects a shop could else have the service call its neighbours.
    allow_private_addresses: bool = False
    timeout_s: float = Field(default=15.0, gt=0, le=60)
