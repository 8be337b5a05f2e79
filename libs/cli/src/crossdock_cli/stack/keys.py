"""What a stack makes up once and keeps to itself: the token of its API, the keys of its services."""

import base64
import hmac
import secrets
from dataclasses import dataclass, field, fields

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.stack.folder import DataFolder

FILE = "keys.json"


def _token() -> str:
    return f"cd_{secrets.token_urlsafe(32)}"


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _carrier_key() -> str:
    return f"EZTK{secrets.token_hex(16)}"


@dataclass(frozen=True)
class Keys:
    """Never printed. Kept in `keys.json`, 0600."""

    api_token: str = field(default_factory=_token, repr=False)
    order_encryption_key: str = field(default_factory=_key, repr=False)
    easypost_api_key: str = field(default_factory=_carrier_key, repr=False)
    shopify_client_secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    shopify_access_token: str = field(default_factory=lambda: f"shpat_{secrets.token_hex(16)}", repr=False)
    mailbox_password: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)

    @property
    def easypost_webhook_secret(self) -> str:
        """Made of the account's key, so that a stack from before it needs no new one."""
        return hmac.new(self.easypost_api_key.encode(), b"webhook", "sha256").hexdigest()

    @property
    def outside(self) -> dict[str, str]:
        """What a merchant tells the shop and the carrier when they are connected."""
        return {
            "easypost_webhook_secret": self.easypost_webhook_secret,
            "shopify_client_secret": self.shopify_client_secret,
            "shopify_access_token": self.shopify_access_token,
        }


def load_keys(folder: DataFolder) -> Keys:
    """The keys a stack made in this folder. Raises EmbeddedError."""
    found = folder.read(FILE)
    names = {one.name for one in fields(Keys)}
    if not all(isinstance(found.get(name), str) and found[name] for name in names):
        raise EmbeddedError(
            f"{folder.path / FILE} lacks keys; restore it, or delete the folder to begin anew"
        )
    return Keys(**{name: found[name] for name in names})


def ensure_keys(folder: DataFolder) -> Keys:
    """The folder's keys, made at the first start. They must never change: data is sealed with them."""
    if not folder.read(FILE):
        if (folder.path / "postgres" / "cluster").exists():
            raise EmbeddedError(
                f"{folder.path} holds a database without {FILE}, whose keys seal a part of it; "
                "restore that file, or delete the folder to begin anew"
            )
        made = Keys()
        folder.write(FILE, {one.name: getattr(made, one.name) for one in fields(Keys)})
    return load_keys(folder)
