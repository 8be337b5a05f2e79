"""CHANNEL_EMAIL_*: the mail server and how mails are signed."""

from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import Port, Settings
from notify_service.domain.addresses import mailbox

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _sender(given: str) -> str:
    if not given.isprintable() or mailbox(parseaddr(given)[1]) is None:
        raise ValueError("must be an address, or Name <address>")
    return given


class EmailSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="CHANNEL_EMAIL_")

    host: str = Field(min_length=1, max_length=253, description="The mail server that takes our mails.")
    port: Port = Field(default=587, description="Its port.")
    security: Literal["auto", "starttls", "tls", "none"] = Field(
        default="auto",
        description="starttls or tls: encrypted, or not at all. none: in the clear. auto: in the clear to"
        " this very machine, starttls to all others.",
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file of the authority that signed its certificate."
    )
    username: str | None = Field(default=None, description="To log in with; empty: no login.")
    password: SecretStr | None = Field(default=None, description="To log in with.")
    sender: Annotated[str, AfterValidator(_sender)] = Field(
        description="From: an address of ours, or Name <address>."
    )
    reply_to: Annotated[str, AfterValidator(_sender)] | None = Field(
        default=None, description="Where answers go, unless a shop's profile says otherwise."
    )
    list_unsubscribe: str | None = Field(
        default=None,
        pattern=r"^<(https|mailto):[^<>\s]+>$",
        description="Value of List-Unsubscribe, as <https://...> or <mailto:...>. Empty: no such header.",
    )
    connections: int = Field(default=8, ge=1, le=50, description="Connections kept open per process.")
    connect_timeout_s: float = Field(default=10, gt=0, le=60, description="Until connected and logged in.")
    command_timeout_s: float = Field(default=30, gt=0, le=120, description="Until each command is answered.")
    data_timeout_s: float = Field(
        default=120, gt=0, le=240, description="Until the mail itself is answered; then nobody can say."
    )
    idle_s: float = Field(
        default=60, ge=0, le=300, description="How long a connection may rest before it is opened anew."
    )

    @property
    def encryption(self) -> Literal["starttls", "tls", "none"]:
        if self.security == "auto":
            return "none" if self.host in _LOOPBACK else "starttls"
        return self.security

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("CHANNEL_EMAIL_USERNAME and CHANNEL_EMAIL_PASSWORD come together")
        if self.username is not None and self.encryption == "none" and self.host not in _LOOPBACK:
            raise ValueError("CHANNEL_EMAIL_SECURITY is none: the password would travel in the clear")
        return self
