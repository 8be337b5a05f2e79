"""What a shop sends: the signature, the strict order, the schema and the page that describe it."""

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from order_service.adapters.marketplaces.generic import schema
from order_service.adapters.marketplaces.generic.mapping import read_order
from order_service.adapters.marketplaces.generic.signing import WINDOW_S, is_signed, sign
from order_service.adapters.marketplaces.generic.webhook import verify
from order_service.domain.errors import NotAnOrder
from order_service.use_cases.marketplace import NotAuthentic
from order_service.use_cases.ports import Secrets

from .conformance import ACCOUNT, ORDER

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
PUBLISHED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
ROOT = next(one for one in Path(__file__).parents if (one / "CHANGELOG.md").exists())
PAGE = (ROOT / "docs/how-to/connect-your-own-shop.md").read_text()


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


def wrong(**changes: Any) -> str:
    with pytest.raises(NotAnOrder) as refused:
        read_order("order", json.dumps({**json.loads(ORDER), **changes}).encode())
    return "; ".join(map(str, refused.value.args))


def test_an_order_that_the_shop_holds_is_kept_back_whether_or_not_it_was_paid() -> None:
    for payment in ("paid", "pending"):
        body = {**json.loads(ORDER), "status": "on_hold", "payment": payment}
        order = read_order("order", json.dumps(body).encode())
        assert order is not None
        assert (order.platform_hold, order.payment_status) == ("on_hold", payment)


def test_the_published_vector_is_what_we_sign_and_what_we_take() -> None:
    assert sign([SECRET], ID, AT, BODY) == PUBLISHED
    assert is_signed([SECRET], ID, str(AT), f"v1a,x {PUBLISHED}", BODY, now=AT)


def test_either_of_two_secrets_is_good_while_one_takes_over() -> None:
    signatures = sign(["the old one", SECRET], ID, AT, BODY)

    for known in (SECRET, "the old one"):
        assert is_signed([known, "a third"], ID, str(AT), signatures, BODY, now=AT)


@pytest.mark.parametrize(
    ("late_s", "taken"), [(WINDOW_S, True), (WINDOW_S + 1, False), (-WINDOW_S - 1, False)]
)
def test_a_delivery_is_good_for_five_minutes_either_way(late_s: int, taken: bool) -> None:
    assert is_signed([SECRET], ID, str(AT), PUBLISHED, BODY, now=AT + late_s) is taken


@pytest.mark.parametrize(
    ("message_id", "timestamp", "signatures"),
    [
        ("msg_other", str(AT), PUBLISHED),
        (ID, str(AT + 1), PUBLISHED),
        (ID, "١٦١٤٢٦٥٣٣٠", PUBLISHED),
        (ID, "nan", PUBLISHED),
        (ID, str(AT), PUBLISHED.replace("v1,", "v2,")),
        (ID, str(AT), "v1,not base64!"),
        (ID, str(AT), ""),
    ],
)
def test_whatever_is_signed_counts(message_id: str, timestamp: str, signatures: str) -> None:
    assert not is_signed([SECRET], message_id, timestamp, signatures, BODY, now=AT)


def test_a_secret_that_cannot_be_one_proves_nothing() -> None:
    assert not is_signed(["whsec_!"], ID, str(AT), PUBLISHED, BODY, now=AT)


def test_a_delivery_without_an_id_is_refused() -> None:
    now = int(time.time())
    headers = {"webhook-timestamp": str(now), "webhook-signature": sign([SECRET], "", now, ORDER)}

    with pytest.raises(NotAuthentic):
        verify(replace(ACCOUNT, secrets=Secrets(webhook=(SECRET,))), headers, ORDER)


def test_a_field_that_nobody_knows_is_said_by_its_place_and_not_repeated() -> None:
    said = wrong(**{"ship_to": {"name": "A", "country": "FR", "Ada of 1 Sample Street": 1}, "colour": "red"})

    assert said == "ship_to: a field that there is not; the order: a field that there is not"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"currency": "JPY"}, "lines.0.unit_price: more decimals than its currency has"),
        ({"totals": {"grand_total": "1.001"}}, "totals.grand_total: more decimals than its currency has"),
        ({"totals": {"grand_total": 5}}, "totals.grand_total: string_type"),
        ({"placed_at": "2026-11-20T10:00:00"}, "placed_at: timezone_aware"),
        ({"lines": []}, "lines: too_short"),
        ({"payment": "maybe"}, "payment: enum"),
        ({"tax_included": "yes"}, "tax_included: bool_type"),
    ],
)
def test_a_mistake_is_said_by_field(changes: dict[str, Any], said: str) -> None:
    if "currency" in changes:
        changes = {**changes, "totals": {"grand_total": "1"}, "lines": [_line(unit_price="1.50")]}
    assert wrong(**changes) == said


def _line(**changes: Any) -> dict[str, Any]:
    return {"id": "1", "title": "Stand", "quantity": 1, "unit_price": "1", **changes}


def test_lines_have_to_be_told_apart_and_cannot_lose_more_than_they_have() -> None:
    assert wrong(lines=[_line(), _line()]) == "lines: an id stands twice"
    assert wrong(lines=[_line(cancelled_quantity=2)]) == "lines.0.cancelled_quantity: more than were ordered"


def test_totals_that_do_not_add_up_are_kept_and_flagged() -> None:
    body = {**json.loads(ORDER), "totals": {"grand_total": "1.00"}}
    order = read_order("order", json.dumps(body).encode())

    assert order is not None
    assert (order.totals.grand_total, order.flags) == (100, ("total_mismatch",))


def test_the_schema_is_as_the_code_says() -> None:
    assert schema.PATH.read_text(encoding="utf-8") == schema.render(), f"run `python -m {schema.__name__}`"


def test_the_pages_orders_are_orders_that_add_up() -> None:
    orders = [read_order("order", one.encode()) for one in examples("json")]

    assert len(orders) == 2
    assert [one.flags for one in orders if one is not None] == [(), ()]


def test_the_pages_longer_order_has_every_field() -> None:
    assert json.loads(examples("json")[1]).keys() == json.loads(schema.render())["properties"].keys()


def test_the_pages_way_to_sign_is_taken() -> None:
    (source,) = examples("python")
    told: dict[str, Any] = {}
    exec(source, told)  # our own page

    headers = told["signed"](SECRET, ORDER)

    account = replace(ACCOUNT, secrets=Secrets(webhook=(SECRET,)))
    assert verify(account, headers, ORDER).dedupe_key == headers["webhook-id"]
