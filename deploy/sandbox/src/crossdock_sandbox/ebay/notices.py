"""eBay's side of notices: its signing key, what it says of it, the challenge, and signed notices.

Source: eBay/event-notification-nodejs-sdk `lib/validator.js`; developer.ebay.com, asyncapi
`order_confirmation.yaml` and `marketplace_account_deletion.yaml`, Notification API "getPublicKey", read
2026-11-22.
"""

import base64
import hashlib
import json
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

import aiohttp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from crossdock_sandbox import clock
from crossdock_sandbox.calls import json_bytes
from crossdock_sandbox.ebay.store import Seller, Store, millis
from crossdock_sandbox.webhooks import Delivery, Signature

Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
CHALLENGE_S = 5.0


class SellerGiven(BaseModel):
    """`POST /_sandbox/shops`: a seller who has let our application in, and where its notices go."""

    model_config = ConfigDict(extra="forbid")

    shop: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.*-]{0,63}$")]
    client_id: Text
    client_secret: Text
    refresh_token: Text
    verification_token: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{32,80}$")]
    endpoint: Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#]+$", max_length=2000)]
    wants_signatures: bool = False
    slow_cancels: bool = False

    def row(self) -> Seller:
        return Seller(**self.model_dump())


class User(BaseModel):
    model_config = ConfigDict(extra="forbid")

    username: Text
    userId: Text
    eiasToken: Text


class NoticeGiven(BaseModel):
    """`POST /_sandbox/shops/{shop}/deliveries`: notices, as they are or spoiled on purpose. Of an order there
    is one for each line. `spaced`: sent with other white space than it was signed with.
    """

    model_config = ConfigDict(extra="forbid")

    topic: Literal["ORDER_CONFIRMATION", "MARKETPLACE_ACCOUNT_DELETION"]
    order_id: Text | None = None
    user: User | None = None
    copies: int = Field(default=1, ge=1, le=100)  # all with the same notification id
    signature: Signature = Signature.GOOD
    key_id: Text | None = None
    spaced: bool = False
    notification_id: Text | None = None
    not_before: datetime | None = None


class NothingToSay(LookupError):
    """The seller has no such order, or no user was named."""


class Keys:
    """The key that notices are signed with. One that is given takes the place of one made anew."""

    def __init__(self, store: Store, given: tuple[str, bytes] | None) -> None:
        self._store = store
        if given is not None:
            store.put_signing_key(*given)
        elif store.signing_key() is None:
            self.rotate()

    def rotate(self) -> str:
        """A new key; its id."""
        kid = str(uuid4())
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._store.put_signing_key(kid, pem)
        return kid

    def shown(self, kid: str) -> dict[str, str] | None:
        """As getPublicKey answers: a PEM without line breaks."""
        row = self._store.signing_key_of(kid)
        if row is None:
            return None
        public = load_pem_private_key(row["private_pem"], None).public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return {"key": pem.replace("\n", ""), "algorithm": "ECDSA", "digest": "SHA1"}

    def signature(self, body: bytes, *, good: bool = True, key_id: str | None = None) -> str:
        """The header for this body."""
        row = self._store.signing_key()
        if row is None:
            raise RuntimeError("the signing key is gone from the books")
        return sign(row["private_pem"], key_id or row["kid"], body if good else body + b"!")


def sign(private_pem: bytes, kid: str, body: bytes) -> str:
    """Base64 of a JSON with the key's id and the ECDSA signature over the body, in DER and base64."""
    private = load_pem_private_key(private_pem, None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise TypeError("an ECDSA key is needed")
    signature = private.sign(body, ec.ECDSA(hashes.SHA1()))  # noqa: S303 - eBay's own choice
    said = {
        "alg": "ecdsa",
        "kid": kid,
        "signature": base64.b64encode(signature).decode(),
        "digest": "SHA1",
    }
    return base64.b64encode(json_bytes(said)).decode()


def notices_of(seller: Seller, store: Store, keys: Keys, given: NoticeGiven) -> list[Delivery]:
    """What is to be sent. Raises NothingToSay."""
    deliveries: list[Delivery] = []
    for data in _data(seller, store, given):
        notification_id = given.notification_id or f"{uuid4()}_{uuid4()}"
        body = json_bytes(_notice(given.topic, notification_id, data))
        headers = {"Content-Type": "application/json"}
        if given.signature is not Signature.MISSING:
            good = given.signature is Signature.GOOD
            headers["X-EBAY-SIGNATURE"] = keys.signature(body, good=good, key_id=given.key_id)
        sent = json.dumps(json.loads(body), indent=1).encode() if given.spaced else body
        delivery = Delivery(
            sender=seller.shop,
            topic=given.topic,
            reference=given.order_id,
            webhook_id=notification_id,
            url=seller.endpoint,
            headers=headers,
            body=sent,
            not_before=given.not_before.timestamp() if given.not_before else 0.0,
        )
        deliveries += [delivery] * given.copies
    return deliveries


def _data(seller: Seller, store: Store, given: NoticeGiven) -> list[dict[str, Any]]:
    if given.topic == "MARKETPLACE_ACCOUNT_DELETION":
        if given.user is None:
            raise NothingToSay("a user is needed")
        return [given.user.model_dump()]
    order = store.order(seller.shop, given.order_id) if given.order_id else None
    if order is None:
        raise NothingToSay(f"seller {seller.shop} has no order {given.order_id}")
    lines = [
        {
            "orderLineItemId": line["lineItemId"],
            "listingId": line.get("legacyItemId"),
            "quantity": line["quantity"],
        }
        for line in order["lineItems"]
    ]
    return [{"order": {"orderId": order["orderId"], "orderLineItems": [line]}} for line in lines]


def _notice(topic: str, notification_id: str, data: dict[str, Any]) -> dict[str, Any]:
    now = millis(clock.now())
    return {
        "metadata": {"topic": topic, "schemaVersion": "1.0", "deprecated": False},
        "notification": {
            "notificationId": notification_id,
            "eventDate": now,
            "publishDate": now,
            "publishAttemptCount": 1,
            "data": data,
        },
    }


async def challenge(seller: Seller) -> tuple[int | None, bool]:
    """What the endpoint answered, and whether that was right: without it eBay sends nothing."""
    code = str(uuid4())
    proof = hashlib.sha256((code + seller.verification_token + seller.endpoint).encode()).hexdigest()
    timeout = aiohttp.ClientTimeout(total=CHALLENGE_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(seller.endpoint, params={"challenge_code": code}, allow_redirects=False) as response,
        ):
            content = await response.content.read(10_000)
            is_json = response.content_type == "application/json"
            status = response.status
    except (aiohttp.ClientError, TimeoutError):
        return None, False
    try:
        said = json.loads(content)
    except ValueError:
        return status, False
    right = isinstance(said, dict) and said.get("challengeResponse") == proof
    return status, status == 200 and is_json and right
