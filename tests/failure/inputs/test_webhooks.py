"""Deliveries that no marketplace sends: nobody is let in, and what is signed is kept, whatever it is."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

from .asking import INSIDES
from .members import Member, Running
from .shop import SECRET, account_given, delivery_headers, order_body, proof

MIB = 1024 * 1024


class Shop:
    """One connected shop of its own."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.account = f"shop-{uuid4().hex[:12]}"
        self.ref = f"{self.account}.myshopify.com"
        self.path = f"/webhooks/shopify/{self.account}"
        self.client = httpx.Client(base_url=member.url, trust_env=False, timeout=20)
        made = self.client.put(
            f"/v1/accounts/{self.account}", json=account_given(self.ref), headers=member.token()
        )
        assert made.status_code == 200, made.text

    def deliver(self, body: bytes, headers: Any = None, path: str | None = None) -> httpx.Response:
        """Send `body`, proven unless `headers` are given."""
        headers = delivery_headers(body, self.ref) if headers is None else headers
        return self.client.post(path or self.path, content=body, headers=headers)

    def kept(self) -> list[tuple[bytes, str]]:
        """Bodies and states, in the order of their coming."""
        rows = self.member.rows(
            "select body, state from inbound_message where account = :account order by message_id",
            account=self.account,
        )
        return [(bytes(row.body), row.state) for row in rows]


@pytest.fixture
def shop(running: Running) -> Iterator[Shop]:
    shop = Shop(running["order"])
    yield shop
    shop.client.close()


def an_order(**changes: Any) -> bytes:
    return json.dumps(order_body(**changes)).encode()


def _line(**changes: Any) -> dict[str, Any]:
    return {**order_body()["line_items"][0], **changes}


def _raw(text: str, instead: str) -> bytes:
    """The sample with one of its values exchanged in the JSON text itself."""
    body = an_order(note="HERE")
    assert b'"HERE"' in body
    return (
        body.replace(b'"HERE"', instead.encode())
        if text == "note"
        else body.replace(
            f'"{text}": {json.dumps(order_body()[text])}'.encode(), f'"{text}": {instead}'.encode()
        )
    )


ODD_BODIES: Mapping[str, bytes] = {
    "empty": b"",
    "blank": b" \r\n\t",
    "no JSON": b"<order/>",
    "half": an_order()[: len(an_order()) // 2],
    "UTF-16": json.dumps(order_body()).encode("utf-16"),
    "UTF-32": json.dumps(order_body()).encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf" + an_order(),
    "no UTF-8": an_order(note="HERE").replace(b"HERE", b"\xff\xfe\xc0\x80"),
    "latin-1": json.dumps(order_body(note="Jörg"), ensure_ascii=False).encode("latin-1"),
    "null": b"null",
    "a number": b"42",
    "a text": b'"order"',
    "true": b"true",
    "a list": b"[" + an_order() + b"]",
    "brackets": b"[" * 100_000,
    "closed brackets": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "deep inside": _raw("note", "[" * 50_000 + "]" * 50_000),
    "NaN": _raw("note", "NaN"),
    "NaN for an id": _raw("id", "NaN"),
    "infinity": _raw("id", "1e999"),
    "a huge id": _raw("id", "9" * 400),
    "digits without end": _raw("id", "9" * 200_000),
    "an id as text": _raw("id", '"6120045566771"'),
    "a negative id": _raw("id", "-1"),
    "a long price": an_order(total_price="9" * 5_000),
    "a huge price": an_order(total_price="1e400"),
    "a price that is no number": an_order(total_price="NaN"),
    "a negative price": an_order(total_price="-5.00"),
    "keys twice": b'{"id": 1, ' + an_order()[1:],
    "NUL in texts": an_order(name="#\0", note="\0", email="a\0@example.com"),
    "NUL in a SKU": an_order(line_items=[_line(sku="\0")]),
    "NUL for an address": an_order(shipping_address={"name": "\0", "address1": "\0", "city": "a\0b"}),
    "NUL in a reason": an_order(cancelled_at="2026-02-12T05:00:00Z", cancel_reason="\0customer"),
    "NUL in a currency": an_order(currency="US\0"),
    "half a surrogate pair": _raw("note", '"\\ud800"'),
    "half a pair in a SKU": an_order(line_items=[_line(sku="HERE")]).replace(b'"HERE"', b'"\\udfff"'),
    "raw surrogates": an_order(note="HERE").replace(b"HERE", b"\xed\xa0\x80"),
    "a raw NUL": an_order() + b"\0",
    "two orders": an_order() + an_order(),
    "negative units": an_order(line_items=[_line(quantity=-3)]),
    "negative units left": an_order(line_items=[_line(current_quantity=-3)]),
    "more left than ordered": an_order(line_items=[_line(quantity=1, current_quantity=9)]),
    "units without end": an_order(line_items=[_line(quantity=10**30)]),
    "units beyond a column": an_order(line_items=[_line(quantity=2**31)]),
    "half a unit": an_order(line_items=[_line(quantity=1.5)]),
    "no lines": an_order(line_items=[]),
    "one line twice": an_order(line_items=[_line(), _line()]),
    "a line without a SKU": an_order(line_items=[_line(sku=None)]),
    "a long SKU": an_order(line_items=[_line(sku="S" * 100_000)]),
    "a long name": an_order(name="#" * 100_000),
    "thousands of lines": an_order(
        line_items=[{"id": one, "sku": f"S-{one}", "quantity": 1, "price": "1"} for one in range(1, 5_000)]
    ),
    "before the calendar": an_order(created_at="0000-01-01T00:00:00Z"),
    "the first day": an_order(created_at="0001-01-01T00:00:00+14:00", updated_at="0001-01-01T00:00:00+14:00"),
    "the last day": an_order(created_at="9999-12-31T23:59:59-14:00", updated_at="9999-12-31T23:59:59-14:00"),
    "a far future": an_order(created_at="99999-01-01T00:00:00Z"),
    "a day that is none": an_order(created_at="2026-02-30T00:00:00Z"),
    "a time without a zone": an_order(created_at="2026-02-11T21:14:09"),
    "a time as a number": an_order(created_at=10**18),
    "a cancel before the order": an_order(cancelled_at="1999-01-01T00:00:00Z"),
    "an unknown currency": an_order(currency="ZZZ"),
    "an unknown country": an_order(shipping_address={"country_code": "Atlantis" * 50}),
    "a list for an address": an_order(shipping_address=[]),
    "formulas": an_order(name='=HYPERLINK("http://example.com")', note="'; drop table orders; --"),
}


@pytest.mark.parametrize("body", ODD_BODIES.values(), ids=ODD_BODIES.keys())
def test_what_a_shop_has_signed_is_kept_whatever_it_holds(shop: Shop, body: bytes) -> None:
    answer = shop.deliver(body)
    again = shop.deliver(an_order(id=77, name="#77"))

    assert (answer.status_code, answer.content) == (200, b"")
    assert again.status_code == 200
    (kept, _), (_, state) = shop.kept()
    assert kept == body
    assert state == "imported"


def test_every_message_that_was_kept_can_be_shown_and_read_once_more(shop: Shop) -> None:
    for body in ODD_BODIES.values():
        shop.deliver(body)
    headers = shop.member.token()

    found: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "200", **({"cursor": cursor} if cursor else {})}
        page = shop.client.get("/v1/messages", params=params, headers=headers).json()
        found += [one["message_id"] for one in page["items"] if one["account"] == shop.account]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    answers = [shop.client.get(f"/v1/messages/{one}", headers=headers) for one in found]
    answers += [
        shop.client.post(f"/v1/messages/{one}/reimport", json={"reason": "again"}, headers=headers)
        for one in found
    ]

    assert len(found) == len(ODD_BODIES)
    assert {one.status_code for one in answers} <= {200, 202, 409, 422}
    assert not [one.text for one in answers if one.status_code > 299 and INSIDES.search(one.text)]


def _wrong(body: bytes, ref: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    good = delivery_headers(body, ref)
    signature = good.pop("X-Shopify-Hmac-SHA256")
    name = "X-Shopify-Hmac-SHA256"
    rest = list(good.items())
    yield "no signature", rest
    for what, given in {
        "empty": "",
        "no base64": "????",
        "hexadecimal": proof(body).encode().hex(),
        "another secret's": proof(body, "shpss_other"),
        "another body's": proof(body + b" "),
        "half": signature[:20],
        "twice in one": f"{signature},{signature}",
        "with a prefix": f"sha256={signature}",
        "url-safe": signature.replace("+", "-").replace("/", "_") + "!",
        "a flood": "A" * 30_000,
        "an empty key's": proof(body, ""),
    }.items():
        yield what, [*rest, (name, given)]
    yield "wrong, then right", [*rest, (name, proof(b"other")), (name, signature)]
    elsewhere = ("X-Shopify-Shop-Domain", "other.myshopify.com")
    nowhere = [*((k, v) for k, v in rest if "Domain" not in k), (name, signature)]
    yield "no shop", nowhere
    yield "another shop's", [*nowhere, elsewhere]
    yield "two shops'", [elsewhere, *rest, (name, signature)]


def test_whoever_does_not_prove_to_be_the_shop_is_refused_without_a_word(shop: Shop) -> None:
    body = an_order()
    right = delivery_headers(body, shop.ref)
    answers = {what: shop.deliver(body, headers) for what, headers in _wrong(body, shop.ref)}
    for path in (
        "/webhooks/shopify/nobody",
        "/webhooks/nowhere/" + shop.account,
        f"/webhooks/shopify/{shop.account}%00",
        "/webhooks/shopify/%FF%FE",
        "/webhooks/shopify/" + "a" * 4_000,
        f"/webhooks/shopify/{shop.account}'--",
    ):
        answers[path] = shop.deliver(body, right, path)

    assert {what: one.status_code for what, one in answers.items()} == dict.fromkeys(answers, 401)
    assert {one.content for one in answers.values()} == {b""}
    assert shop.kept() == []


def test_a_replay_is_one_message_and_one_changed_byte_is_none(shop: Shop) -> None:
    body = an_order()
    headers = delivery_headers(body, shop.ref)

    answers = [shop.deliver(body, headers).status_code for _ in range(5)]
    changed = shop.deliver(body.replace(b"73.03", b"03.03"), headers)

    assert answers == [200] * 5
    assert changed.status_code == 401
    assert [state for _, state in shop.kept()] == ["imported"]


@pytest.mark.parametrize(
    "envelope",
    [
        {"X-Shopify-Topic": "orders/" + "x" * 5_000},
        {"X-Shopify-Topic": "nothing/known"},
        {"X-Shopify-Topic": ""},
        {"X-Shopify-Topic": "órders/créate".encode().decode("latin-1")},
        {"X-Shopify-Webhook-Id": "x" * 5_000},
        {"X-Shopify-Webhook-Id": "'; drop table inbound_message; --"},
        {"X-Shopify-Webhook-Id": ""},
        {"X-Shopify-Triggered-At": "yesterday\tevening"},
        {"X-Shopify-API-Version": "\xff\xfe"},
        {"Content-Type": "text/html; charset=utf-16"},
        {"Content-Encoding": "gzip"},
        {"traceparent": "00-" + "z" * 32 + "-zz-99"},
    ],
    ids=str,
)
def test_an_odd_envelope_around_a_proven_body_is_kept(shop: Shop, envelope: dict[str, str]) -> None:
    body = an_order()
    headers = {**delivery_headers(body, shop.ref), **envelope}

    answer = shop.deliver(body, {name: value.encode("latin-1") for name, value in headers.items()})

    assert (answer.status_code, answer.content) == (200, b"")
    assert [kept for kept, _ in shop.kept()] == [body]


def test_a_body_above_the_bound_is_refused_before_it_is_taken(shop: Shop) -> None:
    body = b"{" + b" " * (5 * MIB) + b"}"

    answer = shop.deliver(body)

    assert answer.status_code == 413
    assert shop.kept() == []


def test_many_headers_are_refused(shop: Shop) -> None:
    body = an_order()
    headers = [*delivery_headers(body, shop.ref).items(), *((f"x-{one}", "1") for one in range(200))]

    answer = shop.deliver(body, headers)

    assert answer.status_code == 431
    assert shop.kept() == []


class Wire:
    """A client that says its bytes itself."""

    def __init__(self, shop: Shop) -> None:
        self.socket = socket.create_connection(("127.0.0.1", shop.member.port), timeout=15)

    def say(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> bytes:
        """What came until they closed, or until nothing more came."""
        heard = b""
        try:
            while part := self.socket.recv(65_536):
                heard += part
                if b"\r\n\r\n" in heard:
                    break
        except (ConnectionError, TimeoutError):
            return heard
        finally:
            self.socket.close()
        return heard


def _head(shop: Shop, body: bytes, **more: str) -> bytes:
    headers = {"Host": "order", **delivery_headers(body, shop.ref), "Content-Length": str(len(body)), **more}
    lines = [f"POST {shop.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_a_body_that_breaks_off_leaves_nothing_and_the_next_one_is_taken(shop: Shop) -> None:
    body = an_order()
    wire = Wire(shop)
    wire.say(_head(shop, body) + body[:1_000])
    wire.socket.close()

    answer = shop.deliver(an_order(id=78))

    assert answer.status_code == 200
    assert len(shop.kept()) == 1


def test_a_body_that_trickles_is_given_up(shop: Shop) -> None:
    body = an_order()
    wire = Wire(shop)
    wire.say(_head(shop, body))
    began = time.monotonic()
    for one in body[:14]:
        try:
            wire.say(bytes([one]))
        except ConnectionError:
            break
        time.sleep(0.5)

    assert wire.answer().startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 12
    assert shop.kept() == []


@pytest.mark.parametrize(
    "said",
    [
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        "POST {path} HTTP/1.1\r\nHost: a\r\nX-Shopify-Topic: a\0b\r\n\r\n",
        "POST {path} HTTP/1.1\r\nHost: a\r\n X-Shopify-Topic : folded\r\n\r\n",
        "POST {path}\r\nX-Injected: yes HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST {path} HTTP/9.9\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_and_the_service_goes_on(shop: Shop, said: str) -> None:
    wire = Wire(shop)
    wire.say(said.format(path=shop.path).encode())
    wire.socket.shutdown(socket.SHUT_WR)

    heard = wire.answer()

    assert not heard or heard.split()[1] in {b"400", b"401", b"404", b"408"}
    assert shop.kept() == []
    assert shop.deliver(an_order()).status_code == 200


async def test_a_hundred_at_once_of_one_order_are_one_order(shop: Shop) -> None:
    bodies = [an_order(id=79, note=str(one)) for one in range(100)]
    async with httpx.AsyncClient(base_url=shop.member.url, trust_env=False, timeout=40) as client:
        answers = await asyncio.gather(
            *(client.post(shop.path, content=one, headers=delivery_headers(one, shop.ref)) for one in bodies)
        )

    statuses = {one.status_code for one in answers}
    orders = shop.member.rows("select count(*) from orders where account = :a", a=shop.account)
    assert statuses <= {200, 409, 503}
    assert len(shop.kept()) == sum(one.status_code == 200 for one in answers) > 0
    assert orders[0][0] == 1


def test_the_secret_stands_in_no_answer(shop: Shop) -> None:
    shown = shop.client.get(f"/v1/accounts/{shop.account}", headers=shop.member.token())

    assert shown.status_code == 200
    assert SECRET not in shown.text
