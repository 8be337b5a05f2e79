"""Secrets at rest: AES-256-GCM, bound to their account, so a row's secrets open for no other row."""

import json
import os
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from order_service.use_cases.ports import Secrets, Tokens

NONCE_BYTES = 12


class CannotUnseal(Exception):
    """The secrets were sealed with another key, or for another account."""


class Sealer:
    """Seals and opens accounts' secrets with one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("the encryption key has to be 32 bytes")
        self._cipher = AESGCM(key)

    def seal(self, secrets: Secrets, *, merchant_id: str, account: str) -> bytes:
        plain = json.dumps(
            {
                "webhook": list(secrets.webhook),
                "access_token": secrets.access_token,
                "named": dict(secrets.named),
            }
        ).encode()
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, _owner(merchant_id, account))

    def open(self, sealed: bytes, *, merchant_id: str, account: str) -> Secrets:
        """Raises CannotUnseal."""
        try:
            plain = self._cipher.decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _owner(merchant_id, account)
            )
        except (InvalidTag, ValueError) as error:
            raise CannotUnseal(merchant_id, account) from error
        read = json.loads(plain)
        return Secrets(tuple(read["webhook"]), read["access_token"], read["named"])

    def seal_tokens(self, tokens: Tokens, *, merchant_id: str, account: str) -> bytes:
        until = tokens.refresh_expires_at
        plain = {
            "access_token": tokens.access_token,
            "expires_at": tokens.expires_at.isoformat(),
            "refresh_token": tokens.refresh_token,
            "refresh_expires_at": None if until is None else until.isoformat(),
        }
        nonce = os.urandom(NONCE_BYTES)
        owner = _owner(merchant_id, account, "tokens")
        return nonce + self._cipher.encrypt(nonce, json.dumps(plain).encode(), owner)

    def open_tokens(self, sealed: bytes, *, merchant_id: str, account: str) -> Tokens:
        """Raises CannotUnseal, for an account's other secrets too."""
        owner = _owner(merchant_id, account, "tokens")
        try:
            plain = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner)
        except (InvalidTag, ValueError) as error:
            raise CannotUnseal(merchant_id, account) from error
        read = json.loads(plain)
        until = read["refresh_expires_at"]
        return Tokens(
            read["access_token"],
            datetime.fromisoformat(read["expires_at"]),
            read["refresh_token"],
            None if until is None else datetime.fromisoformat(until),
        )


def _owner(*names: str) -> bytes:
    return json.dumps(names).encode()
