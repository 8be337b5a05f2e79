import asyncio
import signal
import time

import httpx
import pytest

from crossdock_chassis.shutdown import HURRY_S
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.templates import FreshDatabase

from .conftest import Start


async def test_all_roles_start_are_ready_and_end_in_order_at_sigterm(
    urls: DatabaseUrls, start: Start
) -> None:
    running = await start(urls)

    async with await running.client() as client:
        for path in ("/livez", "/readyz", "/startupz"):
            answer = await client.get(path)
            assert (path, answer.status_code, answer.json()) == (path, 200, {"ok": True, "reasons": []})
        assert (await client.get("/v1/slow", params={"seconds": 0})).json() == "done"
        assert (await client.get("/metrics")).status_code == 404
        running.process.send_signal(signal.SIGTERM)

    assert await running.ended() == 0
    said = [line["event"] for line in running.lines if line["event"].startswith(("process.", "demo."))]
    assert said == [
        "process.started",
        "process.stopping",
        "demo.work_ended",
        "demo.closed",
        "process.ended",
    ]
    assert (await running.said("process.started"))["roles"] == ["api", "consume", "relay", "work"]
    assert not [line for line in running.lines if line["level"] == "error"]


async def test_a_request_in_flight_is_answered_and_no_new_ones_are_taken(
    urls: DatabaseUrls, start: Start
) -> None:
    running = await start(urls, "api")

    async with await running.client() as client, await running.client() as late:
        slow = asyncio.create_task(client.get("/v1/slow", params={"seconds": 1}))
        await asyncio.sleep(0.3)
        running.process.send_signal(signal.SIGTERM)
        await running.said("process.stopping")
        await asyncio.sleep(0.3)
        with pytest.raises(httpx.ConnectError):
            await late.get("/livez")
        answer = await slow

    assert answer.json() == "done"
    assert await running.ended() == 0


async def test_while_draining_readiness_is_red_and_requests_are_still_served(
    urls: DatabaseUrls, start: Start
) -> None:
    running = await start(urls, "api", DEMO_DRAIN_DELAY_S="1.5")

    async with await running.client() as client:
        running.process.send_signal(signal.SIGTERM)
        await running.said("process.stopping")
        ready = await client.get("/readyz")
        served = await client.get("/v1/slow", params={"seconds": 0})
        alive = await client.get("/livez")

    assert (ready.status_code, ready.json()["reasons"]) == (503, ["draining"])
    assert served.status_code == alive.status_code == 200
    assert await running.ended() == 0


@pytest.mark.parametrize(("fault", "code"), [("hangs", 0), ("hangs for good", 1)])
async def test_a_second_sigterm_skips_what_hangs(
    urls: DatabaseUrls, start: Start, fault: str, code: int
) -> None:
    running = await start(urls, "work", DEMO_FAULT=fault)
    await running.said("process.started")

    running.process.send_signal(signal.SIGTERM)
    await running.said("process.stopping")
    await asyncio.sleep(0.5)
    assert running.process.returncode is None
    began = time.monotonic()
    running.process.send_signal(signal.SIGTERM)

    assert await running.ended() == code
    assert time.monotonic() - began < HURRY_S + 2
    assert (await running.said("process.stop_too_slow"))["parts"] == ["background:demo"]
    assert "demo.closed" in running.text or code == 1


async def test_more_requests_than_allowed_are_told_to_come_later_and_probes_are_answered(
    urls: DatabaseUrls, start: Start
) -> None:
    running = await start(urls, "api", DEMO_HTTP_CONCURRENCY="1")

    async with await running.client() as client:
        slow = asyncio.create_task(client.get("/v1/slow", params={"seconds": 1}))
        await asyncio.sleep(0.3)
        busy = await client.get("/v1/slow", params={"seconds": 0})
        probe = await client.get("/livez")
        served = await slow
        later = await client.get("/v1/slow", params={"seconds": 0})

    assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    assert busy.json()["type"] == "/problems/busy"
    assert probe.status_code == served.status_code == later.status_code == 200


async def test_a_service_that_cannot_be_built_says_why_in_one_line(urls: DatabaseUrls, start: Start) -> None:
    running = await start(urls, "work", DEMO_FAULT="cannot be built")

    assert await running.ended() == 1
    (line,) = running.lines
    assert (line["event"], line["level"]) == ("process.failed", "error")
    assert "parrot_post has no codes.py" in line["exception"]


@pytest.mark.parametrize("fault", ["dies", "returns"])
async def test_a_part_that_ends_unasked_ends_the_process_with_one_error_line(
    urls: DatabaseUrls, start: Start, fault: str
) -> None:
    running = await start(urls, "work", DEMO_FAULT=fault)

    assert await running.ended() == 1
    errors = [line for line in running.lines if line["level"] == "error"]
    assert [(line["event"], line["part"]) for line in errors] == [("process.part_died", "background:demo")]
    assert ("the work cannot go on" in running.text) == (fault == "dies")
    assert "jane" not in running.text
    assert "demo.closed" in running.text


async def test_a_port_that_is_taken_ends_the_process_and_names_the_part(
    urls: DatabaseUrls, start: Start
) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    running = await start(urls, "api", DEMO_HTTP_PORT=str(port))

    assert await running.ended() == 1
    server.close()
    (error,) = [line for line in running.lines if line["level"] == "error"]
    assert (error["event"], error["part"]) == ("process.part_died", "http")


async def test_a_process_without_the_api_serves_health_and_metrics_only(
    urls: DatabaseUrls, start: Start
) -> None:
    running = await start(urls, "work", DEMO_METRICS_ENABLED="true")

    async with await running.client() as client:
        ready = await client.get("/readyz")
        metrics = await client.get("/metrics")
        api = await client.get("/v1/slow", params={"seconds": 0})

    assert ready.status_code == 200
    assert "crossdock_loop_lag_seconds_bucket" in metrics.text
    assert api.status_code == 404


async def test_missing_and_wrong_settings_are_named_without_their_values(start: Start) -> None:
    running = await start(None, DEMO_HTTP_PORT="s3cret", DEMO_MIGRATION_URL="mysql://u:s3cret@h/d")

    assert await running.ended() == 2
    (line,) = running.lines
    assert line["event"] == "process.settings_invalid"
    assert "DEMO_DATABASE_URL: is not set" in line["problems"]
    assert "DEMO_HTTP_PORT: " in line["problems"]
    assert "DEMO_MIGRATION_URL: " in line["problems"]
    assert "s3cret" not in running.text


async def test_a_database_that_does_not_answer_is_waited_for_and_then_named(start: Start) -> None:
    gone = DatabaseUrls(*["postgresql+asyncpg://demo_app:s3cret@127.0.0.1:1/none"] * 2)

    running = await start(gone, DEMO_DATABASE_WAIT_S="1")

    assert await running.ended() == 1
    assert [line["event"] for line in running.lines] == [
        "process.waiting",
        "process.cannot_start",
        "demo.closed",
        "process.ended",
    ]
    assert "the database does not answer" in running.lines[1]["reason"]
    assert "s3cret" not in running.text


async def test_a_process_waits_for_migrations_and_starts_when_they_have_run(
    fresh_database: FreshDatabase, start: Start
) -> None:
    empty = fresh_database("chassisempty")
    waiting = await start(empty, "work", DEMO_DATABASE_WAIT_S="30")
    said = await waiting.said("process.waiting")

    migrating = await start(empty, "migrate")

    assert "at migration None, the code expects 0002" in said["reason"]
    assert await migrating.ended() == 0
    await waiting.said("process.started")


async def test_two_runners_of_the_migrations_do_not_get_in_each_others_way(
    fresh_database: FreshDatabase, start: Start
) -> None:
    empty = fresh_database("chassisempty")

    runners = [await start(empty, "migrate") for _ in range(3)]

    assert [await runner.ended() for runner in runners] == [0, 0, 0]


async def test_migrate_stores_the_first_token_and_refuses_one_that_is_none(
    fresh_database: FreshDatabase, start: Start
) -> None:
    empty = fresh_database("chassisempty")
    arguments = ["migrate", "--token-name", "console", "--token-scopes", "orders:read"]

    nothing = await start(empty, *arguments, stdin="\n")
    assert await nothing.ended() == 2
    for _ in range(2):
        stored = await start(empty, *arguments, stdin=f"cd_{'k' * 43}\n")
        assert await stored.ended() == 0
    listed = await start(empty, "token", "list")
    assert await listed.ended() == 0

    assert "a token is cd_" in nothing.text
    assert listed.text.count("default\tconsole\torders:read\t") == 1


async def test_tokens_are_added_listed_and_revoked_from_the_command_line(
    urls: DatabaseUrls, start: Start
) -> None:
    own = "cd_" + "k" * 43
    arguments = ["token", "add", "--name", "console", "--scopes", "orders:read,orders:write"]

    added = await start(urls, *arguments)
    assert await added.ended() == 0
    stored = await start(urls, *arguments, "--token-stdin", stdin=f"{own}\n")
    assert await stored.ended() == 0
    listed = await start(urls, "token", "list")
    assert await listed.ended() == 0
    revoked = await start(urls, "token", "revoke", "--name", "console")
    assert await revoked.ended() == 0

    assert added.text.startswith("cd_")
    assert len(added.text.strip()) == 46
    assert stored.text == "stored\n"
    assert listed.text.count("default\tconsole\torders:read,orders:write\t") == 2
    assert own not in listed.text
    assert revoked.text == "revoked 2\n"


async def test_help_explains_roles_and_commands_and_a_wrong_role_is_refused(start: Start) -> None:
    helped = await start(None, "--help")
    wrong = await start(None, "serve")

    assert await helped.ended() == 0
    assert await wrong.ended() == 2
    for word in ("api", "consume", "relay", "work", "migrate", "token", "SIGTERM"):
        assert word in helped.text
    assert "Traceback" not in wrong.text
