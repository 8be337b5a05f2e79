"""A seller's own shop: what it takes, what it refuses, and what its books say of it."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.generic.app import GenericSandbox, running_generic
from crossdock_sandbox.generic.signing import sign

ORDER = {"id": "A", "updated_at": "2026-11-20T10:00:00Z", "lines": [{"id": "1", "quantity": 2}]}
PARCEL = {
    "shop": "mine",
    "type": "tracking",
    "order_id": "A",
    "tracking_number": "YT1",
    "tracking_url": None,
    "carrier": "ups",
    "units": {"1": 1},
}


@pytest.fixture
async def sandbox(tmp_path: Path, http: httpx.AsyncClient) -> AsyncIterator[GenericSandbox]:
    async with running_generic(tmp_path) as running:
        given = {"shop": "mine", "secret": "s", "webhook_url": "http://127.0.0.1:9/"}
        assert (await http.post(f"{running.base_url}/_sandbox/shops", json=given)).status_code == 201
        url = f"{running.base_url}/_sandbox/shops/mine/orders"
        assert (await http.put(url, json=ORDER)).status_code == 200
        yield running


async def tell(
    http: httpx.AsyncClient,
    sandbox: GenericSandbox,
    said: dict[str, Any],
    *,
    named: str = "m1",
    age_s: int = 0,
    secret: str = "s",
) -> tuple[int, Any]:
    body, at = json.dumps(said).encode(), int(time.time()) - age_s
    headers = {
        "webhook-id": named,
        "webhook-timestamp": str(at),
        "webhook-signature": sign(secret, named, at, body),
    }
    answer = await http.post(sandbox.url("mine"), content=body, headers=headers)
    return answer.status_code, answer.json()


async def test_the_same_id_is_the_same_call(sandbox: GenericSandbox, http: httpx.AsyncClient) -> None:
    answers = [await tell(http, sandbox, PARCEL) for _ in range(2)]
    other = await tell(http, sandbox, {**PARCEL, "tracking_number": "YT2"})
    rows = (await http.get(f"{sandbox.base_url}/_sandbox/books/told")).json()["rows"]

    assert answers == [(200, {"reference": "parcel-1"})] * 2
    assert other == (409, {"error": "id_used_again"})
    assert [one["times"] for one in rows] == [2]


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"units": {"1": 3}}, 422, "too_many_units"),
        ({"units": {"9": 1}}, 422, "too_many_units"),
        ({"units": {"1": "1"}}, 400, "bad_request"),
        ({"order_id": "B"}, 404, "order_not_found"),
        ({"weight": 1}, 400, "bad_request"),
        ({"shop": "other"}, 400, "another_shop"),
        ({"type": "poem"}, 400, "bad_request"),
    ],
)
async def test_what_does_not_fit_is_refused(
    sandbox: GenericSandbox, http: httpx.AsyncClient, changes: dict[str, Any], status: int, error: str
) -> None:
    code, said = await tell(http, sandbox, {**PARCEL, **changes})

    assert (code, said["error"]) == (status, error)


@pytest.mark.parametrize(
    ("given", "error"),
    [({"secret": "other"}, "bad_signature"), ({"age_s": 301}, "bad_timestamp")],
)
async def test_what_is_not_signed_by_us_and_now_is_not_heard(
    sandbox: GenericSandbox, http: httpx.AsyncClient, given: dict[str, Any], error: str
) -> None:
    assert await tell(http, sandbox, PARCEL, **given) == (401, {"error": error})
