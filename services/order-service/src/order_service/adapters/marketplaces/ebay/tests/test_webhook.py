"""Notices and challenges: the published vectors, and keys that are asked for, kept and bounded."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from crossdock_chassis.outgoing import open_http_client
from crossdock_sandbox.ebay.notices import sign
from order_service.adapters.marketplaces.ebay import keys, wire
from order_service.adapters.marketplaces.ebay.keys import PublicKey, PublicKeys, signature_of
from order_service.adapters.marketplaces.ebay.webhook import answer_challenge, verify
from order_service.use_cases.marketplace import MarketplaceRefused, MarketplaceUnavailable, NotAuthentic
from order_service.use_cases.ports import Account, Secrets

from .conformance import ACCOUNT, KEY_ID, NOTICE, PRIVATE_KEY, answering, delivered

# The vector of the fact sheet: computed with invented keys, and checked with a second tool.
VECTOR = (
    '{"metadata":{"topic":"ORDER_CONFIRMATION","schemaVersion":"1.0","deprecated":false},"notification":{'
    '"notificationId":"2f0a6c5e-example-0001_aa11","eventDate":"2026-02-12T03:43:02.000Z",'
    '"publishDate":"2026-02-12T03:43:05.211Z","publishAttemptCount":1,"data":{"order":{'
    '"orderId":"12-14455-66778","orderLineItems":[{"orderLineItemId":"10055667788101",'
    '"listingId":"226600112233","quantity":2}]},"note":"Größe L"}}}'
).encode()
VECTOR_HEADERS = {
    "x-ebay-signature": (
        "eyJhbGciOiJlY2RzYSIsImtpZCI6IjExMTEyMjIyLTMzMzMtNDQ0NC01NTU1LTY2NjY3Nzc3ODg4OCIsInNpZ25hdHVyZSI6Ik1F"
        "UUNJRS9FdDFwZXRYNFZBYm4wZFU0c2s2SllTTnFvUVlIaitZaXhDYmZtMEx6TUFpQXFUUUQ1SnJKa3dnNU9JWVRRSGdiNGIvdEtx"
        "ZG5KNWhMRFFrMHJuQ05pYmc9PSIsImRpZ2VzdCI6IlNIQTEifQ=="
    )
}
VECTOR_KEY = wire.PublicKey(
    key=(
        "-----BEGIN PUBLIC KEY-----MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZmH+wARRISDBUKZH+E77WMIFwfNhdQ8LWa4IAO"
        "wMD1nzZEOYPNdfwhCoONdKX1ZznoUU9SIUAdzzMk1OH+IDqw==-----END PUBLIC KEY-----"
    )
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Ebay:
    """The sandbox with the conformance suite's application, and the keys asked of it."""

    def __init__(self, http: httpx.AsyncClient, base_url: str) -> None:
        self.http = http
        self.base_url = base_url
        self.clock = Clock()
        self.account = replace(ACCOUNT, api_base_url=base_url)
        self.keys = PublicKeys(http, clock=self.clock)

    async def prepare(self, headers: Mapping[str, str], account: Account | None = None) -> None:
        await self.keys.prepare(account or self.account, headers)

    async def asked(self, operation: str) -> int:
        answer = await self.http.get(f"{self.base_url}/_sandbox/books/calls", params={"operation": operation})
        return len(answer.json()["rows"])

    async def misbehave(self, **rule: Any) -> None:
        answer = await self.http.put(f"{self.base_url}/_sandbox/faults", json=[{"times": 1, **rule}])
        assert answer.status_code == 200, answer.text


@pytest.fixture
async def ebay(tmp_path: Path) -> AsyncIterator[Ebay]:
    async with answering(tmp_path) as base_url, open_http_client("ebay") as http:
        yield Ebay(http, base_url)


def named(key_id: str) -> dict[str, str]:
    return {"x-ebay-signature": sign(PRIVATE_KEY, key_id, NOTICE)}


def test_the_published_vector_is_genuine_and_one_unit_more_is_not() -> None:
    said, key = signature_of(VECTOR_HEADERS), PublicKey(VECTOR_KEY)
    assert said is not None
    signature = base64.b64decode(said.signature)

    assert key.has_signed(signature, VECTOR)
    assert not key.has_signed(signature, VECTOR.replace(b'"quantity":2', b'"quantity":3'))


def test_what_ebay_signed_as_compact_json_is_genuine_with_other_white_space() -> None:
    said = signature_of(VECTOR_HEADERS)
    assert said is not None
    spaced = json.dumps(json.loads(VECTOR), indent=2).encode()

    assert PublicKey(VECTOR_KEY).has_signed(base64.b64decode(said.signature), spaced)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_not_genuine(body: bytes) -> None:
    assert not PublicKey(VECTOR_KEY).has_signed(b"0\x06\x02\x01\x01\x02\x01\x01", body)


@pytest.mark.parametrize(
    "said",
    [
        wire.PublicKey(key="-----BEGIN PUBLIC KEY-----AAAA-----END PUBLIC KEY-----"),
        wire.PublicKey(key="not base64 at all!"),
        VECTOR_KEY.model_copy(update={"digest": "MD5"}),
    ],
)
def test_a_key_of_another_kind_is_not_used(said: wire.PublicKey) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the library says
        PublicKey(said)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "not base64 at all!",
        base64.b64encode(b"no json").decode(),
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b'{"kid":"../../user","signature":""}').decode(),
        base64.b64encode(b'{"kid":"11112222-3333-4444-5555-66667777888","signature":""}').decode(),
        base64.b64encode(json.dumps({"kid": KEY_ID, "signature": "A" * 5000}).encode()).decode(),
    ],
)
async def test_a_header_that_names_no_key_is_refused_and_nobody_is_asked(ebay: Ebay, header: str) -> None:
    headers = {"x-ebay-signature": header}

    await ebay.prepare(headers)

    with pytest.raises(NotAuthentic):
        verify(ebay.account, headers, NOTICE, keys=ebay.keys)
    assert await ebay.asked("token.create") == 0


async def test_a_key_is_asked_for_once_in_an_hour(ebay: Ebay) -> None:
    for _ in range(3):
        await ebay.prepare(delivered(NOTICE))
    ebay.clock.now += keys.KEY_S - 1
    await ebay.prepare(delivered(NOTICE))
    within_the_hour = await ebay.asked("key.get")

    ebay.clock.now += 2
    await ebay.prepare(delivered(NOTICE))

    assert (within_the_hour, await ebay.asked("key.get")) == (1, 2)
    assert await ebay.asked("token.create") == 1
    assert verify(ebay.account, delivered(NOTICE), NOTICE, keys=ebay.keys).dedupe_key == "n-1"


async def test_a_key_that_there_is_not_is_asked_for_once_and_what_it_signed_is_refused(ebay: Ebay) -> None:
    headers = named(str(uuid4()))

    for _ in range(3):
        await ebay.prepare(headers)

    assert await ebay.asked("key.get") == 1
    with pytest.raises(NotAuthentic):
        verify(ebay.account, headers, NOTICE, keys=ebay.keys)


async def test_who_makes_up_keys_is_soon_not_listened_to_and_known_keys_are_not_forgotten(ebay: Ebay) -> None:
    await ebay.prepare(delivered(NOTICE))
    for _ in range(keys.QUESTIONS - 1):
        await ebay.prepare(named(str(uuid4())))

    with pytest.raises(MarketplaceUnavailable, match="too many"):
        await ebay.prepare(named(str(uuid4())))

    assert await ebay.asked("key.get") == keys.QUESTIONS
    await ebay.prepare(delivered(NOTICE))
    assert verify(ebay.account, delivered(NOTICE), NOTICE, keys=ebay.keys).topic == "ORDER_CONFIRMATION"
    ebay.clock.now += keys.QUESTIONS_S + 1
    await ebay.prepare(named(str(uuid4())))


async def test_a_key_that_cannot_be_had_now_may_be_there_the_next_time(ebay: Ebay) -> None:
    await ebay.misbehave(operation="key.get", mode="error_500")
    with pytest.raises(MarketplaceUnavailable):
        await ebay.prepare(delivered(NOTICE))

    await ebay.prepare(delivered(NOTICE))

    assert verify(ebay.account, delivered(NOTICE), NOTICE, keys=ebay.keys).topic == "ORDER_CONFIRMATION"


async def test_an_application_that_ebay_does_not_know_has_no_keys(ebay: Ebay) -> None:
    wrong = replace(ebay.account, secrets=Secrets(webhook=("t",), named={"client_secret": "wrong"}))

    with pytest.raises(MarketplaceRefused, match="invalid_client"):
        await ebay.prepare(delivered(NOTICE), wrong)


async def test_the_keys_of_one_application_vouch_for_no_other(ebay: Ebay) -> None:
    await ebay.prepare(delivered(NOTICE))
    other = replace(ebay.account, options={**ebay.account.options, "client_id": "another"})

    with pytest.raises(NotAuthentic):
        verify(other, delivered(NOTICE), NOTICE, keys=ebay.keys)


async def test_a_genuine_notice_that_cannot_be_read_is_kept_without_a_topic(ebay: Ebay) -> None:
    body = b'{"something":"new"}'
    await ebay.prepare(delivered(body))

    delivery = verify(ebay.account, delivered(body), body, keys=ebay.keys)

    assert (delivery.topic, delivery.dedupe_key[:7]) == ("", "sha256:")


def test_the_published_challenge_is_answered_as_published() -> None:
    account = replace(
        ACCOUNT,
        secrets=Secrets(webhook=("crossdock_example-verification_token_2026",)),
        options={"endpoint": "https://hooks.crossdock.example/webhooks/ebay"},
    )

    answer = answer_challenge(account, {"challenge_code": "c0ffee42-1a2b-4c3d-8e9f-001122334455"})

    expected = "c994287d3af99dffba7249c943a463c9b446213db64b8299d96e2f87bf9cddaa"
    assert answer is not None
    assert json.loads(answer) == {"challengeResponse": expected}


@pytest.mark.parametrize("query", [{}, {"challenge_code": ""}, {"challenge_code": "x" * 256}])
def test_what_is_no_challenge_is_not_answered(query: dict[str, str]) -> None:
    assert answer_challenge(ACCOUNT, query) is None
