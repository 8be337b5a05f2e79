"""What every marketplace has to do alike, whatever its orders look like. Each folder is a member."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from order_service.domain.canonical import CanonicalOrder, digest
from order_service.domain.errors import NotAnOrder
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Import, Imported, Outcome, Retention, import_orders
from order_service.use_cases.marketplace import Marketplace, NotAuthentic
from order_service.use_cases.ports import Account, OrderRef, Secrets

from ..test_journeys import a_sku, connect, published, say
from .members import Member, find_members

MEMBERS = find_members()
STRICT_ORDER = ("external_id", "order_number", "currency", "totals")
STRICT_LINE = ("sku", "quantity", "cancelled_quantity", "unit_price", "discount")
STRICT_ADDRESS = ("name", "lines", "city", "postal_code", "country")
TEXTS = (
    "Ünïcödé ß ﬁ",
    "手机支架 📱",
    "حامل هاتف",
    "e\u0301 + \u200b",
    "'; drop table orders; --",
    "a\u0000b",
)
WRONG: tuple[Any, ...] = (None, [], {}, "x", -1, True, 10**30, "9" * 400)

pytestmark = pytest.mark.parametrize("member", MEMBERS, ids=lambda one: one.code)


def read(marketplaces: Mapping[str, Marketplace], member: Member, body: bytes) -> CanonicalOrder:
    """The canonical order, which has to be one."""
    platform = marketplaces[member.code]
    order = platform.read(platform.fetched_topic, body)
    assert isinstance(order, CanonicalOrder)
    return order


def at(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
async def account(
    member: Member, marketplaces: Mapping[str, Marketplace], tmp_path: Path
) -> AsyncIterator[Account]:
    """The member's, after its folder has asked for what it verifies with."""
    prepare = marketplaces[member.code].prepare
    if prepare is None or member.answering is None:
        yield member.account
        return
    async with member.answering(tmp_path) as address:
        account = replace(member.account, api_base_url=address)
        await prepare(account, member.delivered(member.notice))
        yield account


def test_the_recorded_order_has_every_agreed_field(
    member: Member, marketplaces: Mapping[str, Marketplace]
) -> None:
    order, expected = read(marketplaces, member, member.order), member.expected
    found = json.loads(json.dumps(asdict(order), default=str))

    assert {name: found[name] for name in STRICT_ORDER} == {name: expected[name] for name in STRICT_ORDER}
    assert at(order.placed_at) == expected["placed_at"]
    assert [[line[name] for name in STRICT_LINE] for line in found["lines"]] == [
        [line[name] for name in STRICT_LINE] for line in expected["lines"]
    ]
    assert {name: found["ship_to"][name] for name in STRICT_ADDRESS} == {
        name: expected["ship_to"][name] for name in STRICT_ADDRESS
    }


def test_a_genuine_notice_is_known_again_by_its_key(
    member: Member, marketplaces: Mapping[str, Marketplace], account: Account
) -> None:
    verify, headers = marketplaces[member.code].verify, member.delivered(member.notice)

    first, second = (verify(account, headers, member.notice) for _ in range(2))

    assert first is not None
    assert first == second
    assert first.dedupe_key


def test_a_notice_that_was_tampered_with_or_is_somebody_elses_is_refused(
    member: Member, marketplaces: Mapping[str, Marketplace], account: Account
) -> None:
    platform = marketplaces[member.code]
    if not platform.signed:
        pytest.skip("what comes from a queue is proven by who may write into it")
    headers, body = member.delivered(member.notice), member.notice
    stranger = Secrets(
        webhook=("another",), named={name: f"{value}-other" for name, value in account.secrets.named.items()}
    )
    tries = {
        "another body": (account, headers, body + b"x"),
        "no header": (account, {}, body),
        "another secret": (replace(account, secrets=stranger), headers, body),
        "no secret": (replace(account, secrets=Secrets()), headers, body),
        "deactivated": (replace(account, active=False), headers, body),
    }
    assert [name for name, given in tries.items() if not _refused(platform, *given)] == []


def _refused(platform: Marketplace, account: Account, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        platform.verify(account, headers, body)
    except NotAuthentic:
        return True
    return False


def test_another_shops_notice_is_refused(
    member: Member, marketplaces: Mapping[str, Marketplace], account: Account
) -> None:
    if not member.names_shop:
        pytest.skip("its notices do not say whose they are: the order is fetched from the shop")
    other = replace(account, shop_ref="another-shop")

    with pytest.raises(NotAuthentic):
        marketplaces[member.code].verify(other, member.delivered(member.notice), member.notice)


@pytest.mark.parametrize("title", TEXTS, ids=range(len(TEXTS)))
def test_text_stays_as_received(member: Member, marketplaces: Mapping[str, Marketplace], title: str) -> None:
    order = read(marketplaces, member, member.with_title(title))

    assert title.replace("\0", "") in {line.title for line in order.lines}


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [("JPY", "5980", 5980), ("KWD", "12.345", 12_345), ("EUR", "0.10", 10), ("VND", "1250000", 1_250_000)],
)
def test_money_has_as_many_decimals_as_its_currency(
    member: Member, marketplaces: Mapping[str, Marketplace], currency: str, amount: str, minor: int
) -> None:
    order = read(marketplaces, member, member.with_price(currency, amount))

    assert (order.currency, order.lines[0].unit_price) == (currency, minor)


def test_hidden_personal_data_stays_hidden_and_is_flagged(
    member: Member, marketplaces: Mapping[str, Marketplace]
) -> None:
    if member.masked is None:
        pytest.skip("this platform hides nothing")

    order = read(marketplaces, member, member.masked)

    assert "pii_masked" in order.flags
    assert "*" in json.dumps(asdict(order), default=str)


@pytest.mark.parametrize("wrong", [*WRONG, ...], ids=lambda one: "missing" if one is ... else str(one)[:8])
def test_whatever_is_missing_or_of_another_kind_is_said_by_field_and_never_by_value(
    member: Member, marketplaces: Mapping[str, Marketplace], wrong: Any
) -> None:
    platform, whole = marketplaces[member.code], json.loads(member.order)
    for broken in variants(whole, wrong):
        try:
            platform.read(platform.fetched_topic, json.dumps(broken).encode())
        except NotAnOrder as error:
            said = " ".join(map(str, error.args))
            assert not [text for text in personal(member) if text in said]


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"a":', b"[" * 100_000])
def test_what_is_no_order_at_all_is_not_one(
    member: Member, marketplaces: Mapping[str, Marketplace], body: bytes
) -> None:
    platform = marketplaces[member.code]
    with pytest.raises(NotAnOrder):
        platform.read(platform.fetched_topic, body)


async def test_an_order_is_imported_once_and_an_older_word_never_overwrites_a_newer_one(
    member: Member, marketplaces: Mapping[str, Marketplace], database: OrderDatabase
) -> None:
    await connect(database, member.account)
    newest = read(marketplaces, member, member.order).updated_at
    older = read(marketplaces, member, member.changed_at(newest - timedelta(hours=1)))
    newer = replace(read(marketplaces, member, member.changed_at(newest)), shipping_method="as it is now")

    outcomes = [await take(database, member, one) for one in (newer, newer, older)]

    assert [one.outcome for one in outcomes] == [Outcome.IMPORTED, Outcome.UNCHANGED, Outcome.STALE]
    assert len({one.order_id for one in outcomes}) == 1


async def test_orders_that_must_never_be_shipped_are_never_open(
    member: Member, marketplaces: Mapping[str, Marketplace], database: OrderDatabase
) -> None:
    platform = marketplaces[member.code]
    await connect(database, member.account)
    for name, body in member.never_shipped.items():
        order = platform.read(platform.fetched_topic, body)
        if order is None:
            continue
        assert isinstance(order, CanonicalOrder)
        order = replace(order, external_id=f"{order.external_id}-{digest(name)[:8]}")
        await say(database, *(a_sku(line.sku) for line in order.lines if line.sku))
        await take(database, member, order)
        ref = OrderRef(member.code, member.account.shop_ref, order.external_id)
        async with database.transaction() as tx:
            (known,) = (await tx.orders.lock_external([ref])).values()
        assert known.status != "open", name
    assert "open" not in {said["fulfilment"]["state"] for _, said in await published(database)}
    assert member.never_shipped


async def take(database: OrderDatabase, member: Member, order: CanonicalOrder) -> Imported:
    async with database.transaction() as tx:
        given = Import(order, member.account)
        (imported,) = await import_orders([given], retention=Retention(), tx=tx)
    return imported


def variants(whole: Any, wrong: Any) -> Iterator[Any]:
    """The document with each of its values replaced in turn; `...` leaves the value out."""
    if isinstance(whole, dict):
        for key, value in whole.items():
            rest = {name: one for name, one in whole.items() if name != key}
            yield rest if wrong is ... else {**rest, key: wrong}
            yield from ({**whole, key: inner} for inner in variants(value, wrong))
    elif isinstance(whole, list):
        for n, value in enumerate(whole):
            before, after = whole[:n], whole[n + 1 :]
            yield before + after if wrong is ... else [*before, wrong, *after]
            yield from ([*before, inner, *after] for inner in variants(value, wrong))


def personal(member: Member) -> list[str]:
    """Texts of the recorded order that name its buyer or where they live."""
    ship_to, buyer = member.expected["ship_to"], member.expected["buyer"]
    given = [*ship_to["lines"], ship_to["name"], ship_to["phone"], buyer["name"], buyer["email"]]
    return [one for one in given if one and len(one) > 3]
