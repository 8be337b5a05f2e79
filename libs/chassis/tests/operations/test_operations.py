from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.handlers import Handlers
from crossdock_chassis.http import add_token, create_app
from crossdock_chassis.ids import new_id
from crossdock_chassis.operations import operations_router
from crossdock_chassis.wire import encode
from crossdock_contracts.envelope import Actor, ActorKind, Cause
from crossdock_contracts.notifications import NotificationFailedV1, NotificationSentV1


class Handling:
    """A consumer's handler that can be made to fail; stores what it was handed."""

    def __init__(self) -> None:
        self.fails_at: str | None = None

    async def __call__(self, events: Sequence[NotificationSentV1], *, tx: Transaction) -> None:
        for event in events:
            if event.template == self.fails_at:
                raise KeyError("buyer@example.org")
            await tx.connection.execute(
                text("insert into effect (what) values (:what)"), {"what": event.template}
            )


@asynccontextmanager
async def a_client(
    database: Database[Transaction], *scopes: str, handling: Handling | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    handler = handling or Handling()
    handlers: Handlers = {NotificationSentV1: handler, NotificationFailedV1: handler}
    router = operations_router(database, consumer="order", handlers=handlers)
    app = create_app("order-service", "1.0.0", database=database, routers=[router])
    token = await add_token(database, name="ops", merchant_id="default", scopes=scopes)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://test/v1/operations",
        headers={"authorization": f"Bearer {token}"},
    ) as client:
        yield client


READ, WRITE = "operations:read", "operations:write"


async def sql(database: Database[Transaction], statement: str, **values: Any) -> Sequence[Any]:
    async with database.transaction() as tx:
        result = await tx.connection.execute(text(statement), values)
        return result.all() if result.returns_rows else []


def an_event(template: str) -> NotificationSentV1:
    return NotificationSentV1(
        merchant_id="default",
        aggregate_version=1,
        actor=Actor(kind=ActorKind.SERVICE, name="notify"),
        order_id=uuid4(),
        message_id=uuid4(),
        template=template,
        subject="x",
        channel="email",
        locale="en",
        revision=1,
    )


async def park(
    database: Database[Transaction], key: str, *templates: str, fingerprint: str = "f1", payload: bytes = b""
) -> None:
    await sql(
        database,
        """
        insert into parked_key (consumer, key, merchant_id, error_type, error_text, fingerprint)
        values ('order', :key, 'default', 'KeyError', 'KeyError in on_sent, line 3', :fingerprint)
        """,
        key=key,
        fingerprint=fingerprint,
    )
    for offset, template in enumerate(templates):
        wire = encode(an_event(template), event_id=new_id(), at=datetime.now(UTC), cause=Cause())
        await sql(
            database,
            """
            insert into parked_event (consumer, key, event_id, topic, partition, "offset", headers, payload)
            values ('order', :key, :event_id, :topic, 0, :offset, :headers, :payload)
            """,
            key=key,
            event_id=wire.event_id,
            topic=wire.topic,
            offset=offset,
            headers=list(wire.headers),
            payload=payload or wire.payload,
        )


async def add_job(
    database: Database[Transaction], reference: str, state: str, *, unknown: bool = False
) -> UUID:
    async with database.transaction() as tx:
        await tx.jobs.add(
            "book", reference, merchant_id="default", destination="carrier", payload={"secret": "jane"}
        )
    running = "now()" if state == "running" else "null"
    [row] = await sql(
        database,
        f"""
        update job set state = :state, lease_until = {running}, lease_owner = case when :state = 'running'
               then gen_random_uuid() end, unknown_since = case when :unknown then now() end, attempts = 3
        where reference = :reference returning job_id
        """,
        reference=reference,
        state=state,
        unknown=unknown,
    )
    return UUID(str(row.job_id))


@pytest.mark.parametrize(
    ("method", "path", "scope_it_needs", "scope_it_has"),
    [
        ("GET", "/status", READ, WRITE),
        ("GET", "/parked", READ, WRITE),
        ("GET", "/parked/k", READ, WRITE),
        ("GET", "/jobs", READ, WRITE),
        ("GET", f"/jobs/{UUID(int=7)}", READ, WRITE),
        ("GET", "/outbox/parked", READ, WRITE),
        ("POST", "/outbox/parked/k/release", WRITE, READ),
        ("POST", "/rebuild", WRITE, READ),
        ("POST", "/parked/replay", WRITE, READ),
        ("POST", "/parked/k/replay", WRITE, READ),
        ("DELETE", "/parked/k?reason=x", WRITE, READ),
        ("POST", f"/jobs/{UUID(int=7)}/retry", WRITE, READ),
    ],
)
async def test_every_route_needs_its_scope(
    database: Database[Transaction], method: str, path: str, scope_it_needs: str, scope_it_has: str
) -> None:
    async with a_client(database, scope_it_has) as client:
        answer = await client.request(method, path)

    assert answer.status_code == 403
    assert scope_it_needs in answer.json()["detail"]


async def test_the_status_of_a_new_service_is_quiet(database: Database[Transaction]) -> None:
    async with a_client(database, READ) as client:
        status = (await client.get("/status")).json()

    assert status["outbox"] == {"rows": 0, "oldest_age_s": None, "parked_rows": 0}
    assert status["log"]["epoch"] == 1
    assert status["topics"] == status["jobs"] == []
    assert status["parked"] == {"keys": 0, "events": 0, "oldest_age_s": None}
    assert status["timers"] == {"due": 0, "failing": 0, "oldest_late_s": None}
    assert status["default_partitions_in_use"] == {"event_log": False, "inbox": False}


async def test_the_status_shows_all_that_waits(database: Database[Transaction]) -> None:
    async with database.transaction() as tx:
        await tx.outbox.add(an_event("late"))
        await tx.timers.set("expire", "k", merchant_id="default", due_at=tx.now)
    await sql(database, "update outbox set created_at = now() - interval '60 s'")
    await sql(database, "update timer set due_at = now() - interval '30 s', attempts = 2")
    await add_job(database, "s-1", "needs_person", unknown=True)
    await add_job(database, "s-2", "ready")
    await add_job(database, "s-3", "done")
    await park(database, "k", "a", "b")
    await sql(
        database,
        """
        insert into consumer_fence (consumer, topic, partition, caught_up_at)
        values ('order', 'notification.sent', 0, now() - interval '10 s'),
               ('order', 'notification.sent', 1, now() - interval '90 s'),
               ('order', 'notification.failed', 0, null), ('other', 'notification.failed', 0, now()),
               ('order', 'no.longer.listened.to', 0, null)
        """,
    )

    async with a_client(database, READ) as client:
        status = (await client.get("/status")).json()

    assert status["outbox"]["rows"] == 1
    assert 59 < status["outbox"]["oldest_age_s"] < 70
    assert [(one["kind"], one["state"], one["jobs"], one["outcome_unknown"]) for one in status["jobs"]] == [
        ("book", "needs_person", 1, 1),
        ("book", "ready", 1, 0),
    ]
    assert (status["parked"]["keys"], status["parked"]["events"]) == (1, 2)
    assert (status["timers"]["due"], status["timers"]["failing"]) == (1, 1)
    assert 29 < status["timers"]["oldest_late_s"] < 40
    failed, sent = status["topics"]
    assert (failed["topic"], failed["lag_s"], failed["partitions_never_caught_up"]) == (
        "notification.failed",
        None,
        1,
    )
    assert (sent["topic"], sent["partitions"]) == ("notification.sent", 2)
    assert 89 < sent["lag_s"] < 100


async def test_parked_keys_come_in_pages_and_groups(database: Database[Transaction]) -> None:
    for key in ("k-1", "k-2", "sku/3"):
        await park(database, key, "a", fingerprint="f2" if key == "k-2" else "f1")

    async with a_client(database, READ) as client:
        first = (await client.get("/parked", params={"limit": 2})).json()
        second = (await client.get("/parked", params={"limit": 2, "cursor": first["next_cursor"]})).json()
        one_group = (await client.get("/parked", params={"fingerprint": "f1"})).json()

    assert [(one["fingerprint"], one["keys"]) for one in first["groups"]] == [("f1", 2), ("f2", 1)]
    assert [one["key"] for one in first["items"]] == ["k-1", "k-2"]
    assert (second["groups"], [one["key"] for one in second["items"]]) == ([], ["sku/3"])
    assert second["next_cursor"] is None
    assert [one["key"] for one in one_group["items"]] == ["k-1", "sku/3"]


async def test_a_parked_key_is_shown_with_its_events_in_order(database: Database[Transaction]) -> None:
    await park(database, "sku/3", "a", "b")
    await park(database, "odd", "a", payload=b"{jane")

    async with a_client(database, READ) as client:
        shown = (await client.get("/parked/sku/3")).json()
        odd = await client.get("/parked/odd")
        missing = await client.get("/parked/never")

    assert shown["parked"]["key"] == "sku/3"
    assert [one["content"]["template"] for one in shown["events"]] == ["a", "b"]
    assert odd.json()["events"][0]["content"] is None
    assert "jane" not in odd.text
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/not-parked")


async def test_a_key_is_replayed_until_one_of_its_events_fails(database: Database[Transaction]) -> None:
    handling = Handling()
    handling.fails_at = "b"
    await park(database, "sku/3", "a", "b", "c")

    async with a_client(database, WRITE, handling=handling) as client:
        failed = await client.post("/parked/sku/3/replay")
        handling.fails_at = None
        went_well = await client.post("/parked/sku/3/replay")
        gone = await client.post("/parked/sku/3/replay")

    assert (failed.json()["applied"], failed.json()["left"]) == (1, 2)
    assert "KeyError" in failed.json()["error"]["error_type"]
    assert "buyer" not in failed.text
    assert (went_well.json()["applied"], went_well.json()["left"]) == (2, 0)
    assert gone.status_code == 404
    assert [row.what for row in await sql(database, "select what from effect order by n")] == ["a", "b", "c"]


async def test_a_group_is_replayed(database: Database[Transaction]) -> None:
    await park(database, "k-1", "a")
    await park(database, "k-2", "b", fingerprint="f2")
    await park(database, "k-3", "c")

    async with a_client(database, WRITE) as client:
        report = (await client.post("/parked/replay", json={"fingerprint": "f1"})).json()

    assert [(one["key"], one["left"]) for one in report["results"]] == [("k-1", 0), ("k-3", 0)]
    assert [row.key for row in await sql(database, "select key from parked_key")] == ["k-2"]


async def test_a_parked_key_is_discarded_with_a_reason(database: Database[Transaction]) -> None:
    await park(database, "sku/3", "a", "b")

    async with a_client(database, WRITE) as client:
        unexplained = await client.delete("/parked/sku/3")
        discarded = await client.delete("/parked/sku/3", params={"reason": "a test order"})

    assert unexplained.status_code == 422
    assert discarded.json() == {"events": 2}
    [audit] = await sql(database, "select action, actor_name, reason from parked_audit")
    assert tuple(audit) == ("discarded", "ops", "a test order")


async def test_one_event_of_a_parked_key_is_discarded_and_the_rest_can_be_replayed(
    database: Database[Transaction],
) -> None:
    await park(database, "sku/3", "a", "b", "c")

    async with a_client(database, READ) as client:
        _, unreadable, _ = (await client.get("/parked/sku/3")).json()["events"]
    async with a_client(database, WRITE) as client:
        one = {"reason": "nobody can read it", "n": str(unreadable["n"])}
        discarded = await client.delete("/parked/sku/3", params=one)
        again = await client.delete("/parked/sku/3", params=one)
        replayed = await client.post("/parked/sku/3/replay")

    assert discarded.json() == {"events": 1}
    assert again.status_code == 404
    assert (replayed.json()["applied"], replayed.json()["left"]) == (2, 0)
    assert [row.what for row in await sql(database, "select what from effect order by n")] == ["a", "c"]


async def test_jobs_come_in_pages_by_state_and_kind_and_without_their_payload(
    database: Database[Transaction],
) -> None:
    waiting = [str(await add_job(database, f"s-{n}", "needs_person")) for n in range(3)]
    await add_job(database, "s-9", "done")

    async with a_client(database, READ) as client:
        asked: dict[str, str | int] = {"state": "needs_person", "kind": "book", "limit": 2}
        first = await client.get("/jobs", params=asked)
        second = await client.get("/jobs", params={**asked, "cursor": first.json()["next_cursor"]})
        others = await client.get("/jobs", params={"kind": "void"})
        nonsense = await client.get("/jobs", params={"state": "x' or true"})

    pages = [*first.json()["items"], *second.json()["items"]]
    assert [one["job_id"] for one in pages] == waiting
    assert second.json()["next_cursor"] is None
    assert others.json()["items"] == []
    assert nonsense.status_code == 422
    assert "jane" not in first.text


@pytest.mark.parametrize(("certainly_not_done", "still_unknown"), [(False, True), (True, False)])
async def test_a_job_is_run_again_as_a_person_says(
    database: Database[Transaction], certainly_not_done: bool, still_unknown: bool
) -> None:
    job_id = await add_job(database, "s-1", "needs_person", unknown=True)
    database.wakeups.jobs.clear()

    async with a_client(database, READ, WRITE) as client:
        body = {"certainly_not_done": certainly_not_done, "reason": "rang them up"}
        answer = await client.post(f"/jobs/{job_id}/retry", json=body)
        shown = await client.get(f"/jobs/{job_id}")

    assert answer.status_code == 202
    assert answer.json() == shown.json()
    assert (answer.json()["state"], answer.json()["outcome_unknown"], answer.json()["attempts"]) == (
        "ready",
        still_unknown,
        0,
    )
    assert database.wakeups.jobs.is_set()
    [audit] = await sql(database, "select action, subject, actor_name, reason from operation_audit")
    action = "job_retried_as_not_done" if certainly_not_done else "job_retried"
    assert tuple(audit) == (action, str(job_id), "ops", "rang them up")


@pytest.mark.parametrize("state", ["running", "done"])
async def test_a_job_that_runs_or_is_done_is_not_run_again(
    database: Database[Transaction], state: str
) -> None:
    job_id = await add_job(database, "s-1", state)

    async with a_client(database, WRITE) as client:
        body = {"certainly_not_done": True, "reason": "x"}
        refused = await client.post(f"/jobs/{job_id}/retry", json=body)
        missing = await client.post(f"/jobs/{uuid4()}/retry", json=body)

    assert (refused.status_code, refused.json()["detail"]) == (409, f"It is {state}.")
    assert missing.status_code == 404
    assert await sql(database, "select audit_id from operation_audit") == []


async def test_a_rebuild_is_asked_for_with_a_reason(database: Database[Transaction]) -> None:
    async with a_client(database, READ, WRITE) as client:
        unexplained = await client.post("/rebuild", json={})
        answer = await client.post("/rebuild", json={"reason": "the broker's disk is gone"})
        status = (await client.get("/status")).json()

    assert unexplained.status_code == 422
    assert (answer.status_code, answer.json()) == (202, {"epoch": 1})
    assert status["log"]["rebuild_wanted"] == "the broker's disk is gone"
    [audit] = await sql(database, "select action, subject, reason from operation_audit")
    assert tuple(audit) == ("rebuild_requested", "1", "the broker's disk is gone")


async def park_in_outbox(database: Database[Transaction], key: str, *errors: str) -> None:
    """As the relay does: the events are in the outbox and go aside with what they were refused for."""
    for error in errors:
        wire = replace(encode(an_event("x"), event_id=new_id(), at=datetime.now(UTC), cause=Cause()), key=key)
        async with database.transaction() as tx:
            tx.outbox.add_wire(wire)
        await sql(
            database,
            """
            with gone as (delete from outbox returning *)
            insert into outbox_parked (shard, seq, event_id, topic, key, headers, payload, created_at, error)
            select shard, seq, event_id, topic, key, headers, payload, created_at, :error from gone
            """,
            error=error,
        )


async def test_what_rests_in_the_outbox_is_grouped_and_paged(database: Database[Transaction]) -> None:
    await park_in_outbox(database, "order/1", "300000 bytes, more than 262144", "follows")
    await park_in_outbox(database, "order/2", "270000 bytes, more than 262144")
    await park_in_outbox(database, "order/3", "there is no topic x")

    async with a_client(database, READ) as client:
        first = (await client.get("/outbox/parked", params={"limit": 2})).json()
        second = (
            await client.get("/outbox/parked", params={"limit": 2, "cursor": first["next_cursor"]})
        ).json()

    assert [(one["keys"], one["events"], one["sample_keys"]) for one in first["groups"]] == [
        (2, 3, ["order/1", "order/2"]),
        (1, 1, ["order/3"]),
    ]
    assert [(one["key"], one["events"], one["error"], one["merchant_id"]) for one in first["items"]] == [
        ("order/1", 2, "300000 bytes, more than 262144", "default"),
        ("order/2", 1, "270000 bytes, more than 262144", "default"),
    ]
    assert [one["key"] for one in second["items"]] == ["order/3"]
    assert (second["groups"], second["next_cursor"]) == ([], None)


async def test_a_key_is_released_into_the_outbox_in_order_and_the_audit_says_who_and_why(
    database: Database[Transaction],
) -> None:
    await park_in_outbox(database, "order/1", "too large", "follows")
    await park_in_outbox(database, "order/2", "too large")
    parked = await sql(database, "select seq from outbox_parked where key = 'order/1' order by seq")

    async with a_client(database, WRITE) as client:
        unexplained = await client.post("/outbox/parked/order/1/release", json={})
        answer = await client.post("/outbox/parked/order/1/release", json={"reason": "limit raised"})
        again = await client.post("/outbox/parked/order/1/release", json={"reason": "limit raised"})

    assert (unexplained.status_code, answer.status_code, again.status_code) == (422, 202, 404)
    assert answer.json() == {"events": 2}
    assert await sql(database, "select seq from outbox order by shard, seq") == parked
    assert [one.key for one in await sql(database, "select key from outbox_parked")] == ["order/2"]
    [audit] = await sql(
        database, "select action, subject, merchant_id, actor_name, reason from operation_audit"
    )
    assert tuple(audit) == ("outbox_released", "order/1", "default", "ops", "limit raised")
