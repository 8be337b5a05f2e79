"""eBay's public keys, which its notices are verified with: asked for by their ids, and kept for an hour.

Anybody may name a key, so ids have a form, unknown ones are remembered, and questions are few: an application
asks so often a minute and no more.

Source: developer.ebay.com, Notification API "getPublicKey", and eBay/event-notification-nodejs-sdk
`lib/validator.js`, read 2026-11-22.
"""

import asyncio
import base64
import binascii
import json
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import ValidationError

from order_service.adapters.marketplaces.ebay import wire
from order_service.adapters.marketplaces.ebay.calls import code_of, parsed, send
from order_service.adapters.marketplaces.ebay.tokens import APPLICATION_SCOPE, Application, buy_token
from order_service.use_cases.marketplace import MarketplaceRefused, MarketplaceUnavailable
from order_service.use_cases.ports import Account

K = TypeVar("K")
V = TypeVar("V")

HEADER: Final = "x-ebay-signature"
HEADER_BYTES: Final = 4096
KEY_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
KEY_S: Final = 3600.0
UNKNOWN_S: Final = 600.0
KEYS: Final = 50
UNKNOWN_KEYS: Final = 1000
#: Questions of one application, and in how many seconds.
QUESTIONS: Final = 20
QUESTIONS_S: Final = 60.0
#: A token is not used in its last seconds.
SPARE_S: Final = 60.0
APPLICATIONS: Final = 1000
#: The endpoint waits for two seconds in all.
TIMEOUT_S: Final = 2.0
DIGESTS: Final[Mapping[str, type[hashes.HashAlgorithm]]] = {
    "SHA1": hashes.SHA1,
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}


class PublicKey:
    """One of eBay's. Raises ValueError for what is no such key."""

    def __init__(self, said: wire.PublicKey) -> None:
        encoded = re.sub(r"-----(BEGIN|END) PUBLIC KEY-----|\s", "", said.key)
        key = load_der_public_key(base64.b64decode(encoded, validate=True))
        if not isinstance(key, ec.EllipticCurvePublicKey) or said.digest not in DIGESTS:
            raise ValueError("a key of another kind")
        self._key = key
        self._digest = DIGESTS[said.digest]

    def has_signed(self, signature: bytes, body: bytes) -> bool:
        """Whether it has signed these bytes, or the same JSON as eBay's own library writes it."""
        return any(self._fits(signature, one) for one in (body, _compact(body)) if one is not None)

    def _fits(self, signature: bytes, said: bytes) -> bool:
        try:
            self._key.verify(signature, said, ec.ECDSA(self._digest()))
        except InvalidSignature:
            return False
        return True


def _compact(body: bytes) -> bytes | None:
    """As `JSON.stringify` writes it; None when that is no other text, or it is no JSON."""
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":"))
        compact = text.encode()
    except (ValueError, RecursionError):
        return None
    return None if compact == body else compact


def signature_of(headers: Mapping[str, str]) -> wire.Signature | None:
    """What the header says, if it names a key in the form that eBay's ids have."""
    given = headers.get(HEADER, "")
    if not 0 < len(given) <= HEADER_BYTES:
        return None
    try:
        said = wire.Signature.model_validate_json(base64.b64decode(given, validate=True))
    except (binascii.Error, ValueError, ValidationError):
        return None
    return said if KEY_ID.fullmatch(said.kid) else None


class PublicKeys:
    """The keys that each of our applications has asked for. None vouches for another application's notices:
    whoever sets up an account names where its keys come from.
    """

    def __init__(self, http: httpx.AsyncClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._clock = clock
        self._of: dict[Application, _Asked] = {}

    async def prepare(self, account: Account, headers: Mapping[str, str]) -> None:
        """Have the key that these headers name, if there is one. Raises MarketplaceUnavailable,
        MarketplaceRefused or ValueError: nobody can say whether there is.
        """
        signature, application = signature_of(headers), Application.of(account)
        if signature is None or application is None or not account.active:
            return
        if application not in self._of:
            _keep(self._of, application, _Asked(self._http, application, self._clock), APPLICATIONS)
        await self._of[application].learn(signature.kid.lower())

    def find(self, account: Account, key_id: str) -> PublicKey | None:
        application = Application.of(account)
        asked = self._of.get(application) if application else None
        return asked.find(key_id.lower()) if asked else None


class _Asked:
    """What one application has asked for; one question at a time."""

    def __init__(self, http: httpx.AsyncClient, application: Application, clock: Callable[[], float]) -> None:
        self._http = http
        self._application = application
        self._clock = clock
        self._turn = asyncio.Lock()
        self._token: tuple[str, float] = ("", 0.0)
        self._keys: dict[str, tuple[PublicKey, float]] = {}
        self._unknown: dict[str, float] = {}
        self._questions: deque[float] = deque(maxlen=QUESTIONS)

    def find(self, key_id: str) -> PublicKey | None:
        key, until = self._keys.get(key_id, (None, 0.0))
        return key if until > self._clock() else None

    async def learn(self, key_id: str) -> None:
        if self._knows(key_id):
            return
        async with self._turn:
            if self._knows(key_id):
                return
            self._count_question()
            response = await self._ask(key_id)
            if response.status_code in {400, 404}:
                _keep(self._unknown, key_id, self._clock() + UNKNOWN_S, UNKNOWN_KEYS)
                return
            if not response.is_success:
                raise MarketplaceRefused(code_of(response))
            key = PublicKey(parsed(wire.PublicKey, response.content))
            _keep(self._keys, key_id, (key, self._clock() + KEY_S), KEYS)

    def _knows(self, key_id: str) -> bool:
        return self.find(key_id) is not None or self._unknown.get(key_id, 0.0) > self._clock()

    def _count_question(self) -> None:
        now = self._clock()
        if len(self._questions) == QUESTIONS and self._questions[0] > now - QUESTIONS_S:
            raise MarketplaceUnavailable("too many public keys were asked for")
        self._questions.append(now)

    async def _ask(self, key_id: str) -> httpx.Response:
        token, until = self._token
        if until <= self._clock():
            grant = {"grant_type": "client_credentials", "scope": APPLICATION_SCOPE}
            bought = await buy_token(self._http, self._application, grant, timeout_s=TIMEOUT_S)
            token = bought.access_token
            self._token = token, self._clock() + bought.expires_in - SPARE_S
        response = await send(
            self._http,
            "GET",
            f"{self._application.api}/commerce/notification/v1/public_key/{key_id}",
            changes=False,
            timeout_s=TIMEOUT_S,
            headers={"Authorization": f"Bearer {token}"},
        )
        if response.status_code == 401:
            self._token = "", 0.0
        return response


def _keep(kept: dict[K, V], name: K, value: V, most: int) -> None:
    """The oldest goes when there are too many."""
    kept.pop(name, None)
    while len(kept) >= most:
        del kept[next(iter(kept))]
    kept[name] = value
