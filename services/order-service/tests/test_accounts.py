"""What people do with marketplace accounts, over HTTP on the real application."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_chassis.job_runner import JobRunner
from crossdock_chassis.jobs import Destination
from crossdock_chassis.outgoing import open_http_client
from crossdock_sandbox.shopify.app import running_shopify
from order_service.adapters.marketplace_registry import load_marketplaces
from order_service.messaging.check_jobs import CheckJobs
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.accounts import missing_or_wrong
from order_service.use_cases.marketplace import Asked, Marketplace
from order_service.use_cases.ports import Secrets

from .samples import SECRET, an_account, shopify_body
from .test_api import ACCOUNT
from .test_jobs import a_shop, eventually
from .test_journeys import connect


@asynccontextmanager
async def checking(database: OrderDatabase) -> AsyncIterator[None]:
    """The job runner, as the work role runs it."""
    async with open_http_client("marketplaces") as http:
        handlers = CheckJobs(database, load_marketplaces(http)).handlers()
        runner = JobRunner(database, handlers, [Destination("shopify")])
        task = asyncio.create_task(runner.run())
        try:
            yield
        finally:
            await runner.stop()
            await task


async def checked(client: httpx.AsyncClient) -> Mapping[str, Any]:
    """The answer to a check of `lumo`, when it has come."""
    asked = await client.post("/v1/accounts/lumo/check")
    assert asked.status_code == 202, asked.text
    assert asked.json()["ended_at"] is None

    async def ended() -> bool:
        return (await client.get("/v1/accounts/lumo/check")).json()["ended_at"] is not None

    await eventually(ended)
    answer: Mapping[str, Any] = (await client.get("/v1/accounts/lumo/check")).json()
    return answer


async def test_money_is_asked_back_only_by_an_account_that_says_so(client: httpx.AsyncClient) -> None:
    silent = await client.put("/v1/accounts/lumo", json=ACCOUNT)
    told = await client.put("/v1/accounts/lumo", json={**ACCOUNT, "refund_on_cancel": True})

    assert (silent.json()["refund_on_cancel"], told.json()["refund_on_cancel"]) == (False, True)
    assert (await client.get("/v1/accounts/lumo")).json()["refund_on_cancel"]


async def test_what_a_shop_is_known_by_is_described_for_every_platform(
    client: httpx.AsyncClient, marketplaces: Mapping[str, Marketplace]
) -> None:
    schemas = (await client.get("/v1/openapi.json")).json()["components"]["schemas"]

    described = schemas["AccountGiven"]["properties"]["shop_ref"]["description"].lower()
    assert [code for code in marketplaces if code in described] == []


async def test_a_check_says_whether_the_credentials_open_the_shop(
    client: httpx.AsyncClient, database: OrderDatabase, tmp_path: Path
) -> None:
    async with running_shopify(tmp_path) as sandbox, open_http_client("test") as http, checking(database):
        account = await a_shop(sandbox, http, shopify_body())
        account = replace(account, shop_ref="lumo.myshopify.com")
        await connect(database, account)
        assert (await checked(client))["trouble"] is None

        wrong = replace(account, secrets=Secrets(webhook=(SECRET,), access_token="wrong"))
        await connect(database, wrong)
        assert (await checked(client))["trouble"] == "the platform refuses the credentials: http_401"

        await connect(database, replace(wrong, api_base_url="http://127.0.0.1:9"))
        trouble = (await checked(client))["trouble"]
        assert trouble == "the platform could not be asked: shopify was not reached"


async def test_credentials_of_another_shop_are_found_out(
    client: httpx.AsyncClient, database: OrderDatabase, tmp_path: Path
) -> None:
    async with running_shopify(tmp_path) as sandbox, open_http_client("test") as http, checking(database):
        account = await a_shop(sandbox, http, shopify_body())
        await connect(database, replace(account, shop_ref="other.myshopify.com"))

        assert (await checked(client))["trouble"] == (
            "the credentials open another shop than other.myshopify.com"
        )


async def test_a_new_webhook_secret_stands_before_the_old_one(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await client.put("/v1/accounts/lumo", json=ACCOUNT)

    given = {"webhook_secrets": ["shpss_2"], "reason": "it is half a year old"}
    rotated = await client.post("/v1/accounts/lumo/rotation", json=given)

    assert rotated.json()["webhook_secrets"] == 2
    assert "shpss" not in rotated.text
    async with database.transaction() as tx:
        secrets = (await tx.accounts.get("default", "lumo")).secrets
    assert secrets == Secrets(webhook=("shpss_2", "shpss_1"), access_token="shpat_1")


async def test_a_secret_that_got_out_is_not_kept_beside_the_new_one(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await client.put("/v1/accounts/lumo", json=ACCOUNT)

    given = {"webhook_secrets": ["shpss_2"], "keep_old": False, "reason": "it got out"}
    await client.post("/v1/accounts/lumo/rotation", json=given)

    async with database.transaction() as tx:
        assert (await tx.accounts.get("default", "lumo")).secrets.webhook == ("shpss_2",)


async def test_a_paused_account_says_why_until_it_is_resumed(client: httpx.AsyncClient) -> None:
    await client.put("/v1/accounts/lumo", json=ACCOUNT)

    paused = await client.post("/v1/accounts/lumo/pause", json={"reason": "its prices are wrong"})
    shown = await client.get("/v1/accounts/lumo")
    changed = await client.put("/v1/accounts/lumo", json=ACCOUNT)
    still = await client.get("/v1/accounts/lumo")
    resumed = await client.post("/v1/accounts/lumo/resumption")

    assert [one.json()["paused"] for one in (paused, shown, still)] == ["its prices are wrong"] * 3
    assert changed.status_code == 200
    assert resumed.json()["paused"] is None
    assert (await client.get("/v1/accounts/lumo")).json()["paused"] is None


async def test_what_a_platform_does_not_know_is_refused_by_name(client: httpx.AsyncClient) -> None:
    given = {**ACCOUNT, "options": {"region": "eu"}, "secrets": {"client_id": "very-secret"}}

    answer = await client.put("/v1/accounts/lumo", json=given)

    assert answer.status_code == 422
    assert "shopify knows no option region" in answer.text
    assert "shopify knows no secret client_id" in answer.text
    assert "very-secret" not in answer.text


async def test_an_account_without_a_webhook_secret_is_refused(client: httpx.AsyncClient) -> None:
    given = {name: value for name, value in ACCOUNT.items() if name != "webhook_secrets"}

    answer = await client.put("/v1/accounts/lumo", json=given)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/account-refused")


async def test_an_unknown_platform_is_answered_with_those_there_are(client: httpx.AsyncClient) -> None:
    answer = await client.put("/v1/accounts/lumo", json={**ACCOUNT, "platform": "etsy"})

    assert answer.status_code == 422
    assert "shopify" in answer.json()["title"]


async def test_platforms_say_what_an_account_of_theirs_has_to_be_told(client: httpx.AsyncClient) -> None:
    platforms = {one["platform"]: one for one in (await client.get("/v1/platforms")).json()}

    assert {"signed_webhooks", "tracking", "check"} <= set(platforms["shopify"]["can"])


ASKS = (
    Asked("region", "na, eu or fe", pattern="na|eu|fe"),
    Asked("client_secret", "of the app", secret=True),
    Asked("note", "may be left out", required=False),
)


@pytest.mark.parametrize(
    ("options", "named", "wrong"),
    [
        ({"region": "eu"}, {"client_secret": "s"}, []),
        ({"region": "eu", "note": "x"}, {"client_secret": "s"}, []),
        ({"region": "mars"}, {"client_secret": "s"}, ["option region has not the form na|eu|fe"]),
        ({}, {"client_secret": "s"}, ["option region is missing: na, eu or fe"]),
        ({"region": "eu"}, {}, ["secret client_secret is missing: of the app"]),
        ({"region": "eu", "client_secret": "s"}, {"client_secret": "s"}, ["knows no option client_secret"]),
    ],
)
def test_a_platforms_options_and_secrets_are_checked_by_name_and_form(
    marketplaces: Mapping[str, Marketplace],
    options: dict[str, str],
    named: dict[str, str],
    wrong: list[str],
) -> None:
    platform = replace(marketplaces["shopify"], asks=ASKS)
    account = an_account(options=options, secrets=Secrets(webhook=(SECRET,), named=named))

    found = missing_or_wrong(account, platform)

    assert len(found) == len(wrong)
    assert all(part in sentence for part, sentence in zip(wrong, found, strict=True))
