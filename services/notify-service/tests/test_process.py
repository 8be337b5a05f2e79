"""The service as an operating-system process: over a real broker, and killed in the middle of a mail."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client.parser import text_string_to_metric_families

from crossdock_chassis.http import add_token
from crossdock_chassis.ids import new_id
from crossdock_chassis.wire import EPOCH_HEADER, encode
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.tansu import TansuBroker
from crossdock_contracts.envelope import Cause, Event
from notify_service.persistence.transaction import NotifyDatabase

from .samples import NOON, a_snapshot, shipped
from .stage import Mailbox, Stage

Start = Callable[..., Awaitable["Running"]]


class Running:
    """A process with its log in a file."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def text(self) -> str:
        return self._log.read_text()

    async def ended(self) -> int:
        async with asyncio.timeout(20):
            return await self.process.wait()


@pytest.fixture
async def start(urls: DatabaseUrls, mailbox: Mailbox, tmp_path: Path) -> AsyncIterator[Start]:
    """`await start("work", NOTIFY_X="y")`: the service with these arguments. What still runs at the end is
    killed.
    """
    async with AsyncExitStack() as stack:

        async def start(*arguments: str, **env: str) -> Running:
            settings = {
                "NOTIFY_DATABASE_URL": urls.app_url,
                "NOTIFY_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
                "NOTIFY_KAFKA_PROFILE": "tansu",
                "NOTIFY_HTTP_PORT": "0",
                "NOTIFY_HEALTH_PORT": "0",
                "CHANNEL_EMAIL_HOST": "127.0.0.1",
                "CHANNEL_EMAIL_PORT": str(mailbox.smtp_port),
                "CHANNEL_EMAIL_SENDER": "Lumo Demo <orders@lumo-demo.example>",
            }
            log = tmp_path / f"{uuid4()}.log"
            return await stack.enter_async_context(_running(arguments, {**settings, **env}, log))

        yield start


@asynccontextmanager
async def _running(arguments: tuple[str, ...], env: dict[str, str], log: Path) -> AsyncIterator[Running]:
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "notify_service",
            *arguments,
            stdout=output,
            stderr=output,
            env={"PATH": os.environ["PATH"], **env},
        )
    try:
        yield Running(process, log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _until(found: Callable[[], Awaitable[Any]], *, limit_s: float = 40) -> Any:
    """Ask until the answer is true. Raises TimeoutError."""
    async with asyncio.timeout(limit_s):
        while True:
            answer = await found()
            if answer:
                return answer
            await asyncio.sleep(0.05)


async def _publish(broker: TansuBroker, *events: Event) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, enable_idempotence=False)
    await producer.start()
    try:
        for event in events:
            wire = encode(event, event_id=new_id(), at=NOON, cause=Cause())
            pairs = zip(wire.headers[::2], wire.headers[1::2], strict=True)
            headers = [(name, value.encode()) for name, value in pairs]
            await producer.send_and_wait(
                wire.topic, wire.payload, wire.key.encode(), headers=[*headers, (EPOCH_HEADER, b"1")]
            )
    finally:
        await producer.stop()


async def test_events_from_the_broker_become_mails_and_events_and_the_process_ends_in_order(
    start: Start, broker: TansuBroker, database: NotifyDatabase, mailbox: Mailbox, stage: Stage
) -> None:
    order_id = uuid4()
    token = await add_token(
        database, name="anna", merchant_id="default", scopes=["notifications:read", "operations:read"]
    )
    running = await start(
        NOTIFY_KAFKA_BOOTSTRAP_SERVERS=broker.bootstrap_servers, NOTIFY_METRICS_ENABLED="true"
    )

    await _publish(broker, shipped(order_id, uuid4()), a_snapshot(order_id))
    mails = await _until(lambda: _at_least(mailbox, 2))
    await _until(lambda: _empty(stage, "select 1 from outbox"))
    delays = await _delays(running)
    running.process.send_signal(signal.SIGTERM)
    code = await running.ended()

    assert {mail["subject"] for mail in mails} == {
        "Ihre Bestellung #1042 ist bestätigt",
        "Ihre Bestellung #1042 ist unterwegs",
    }
    assert [row.topic for row in await stage.rows("select topic from event_log")] == ["notification.sent"] * 2
    assert delays == {"order_confirmed": 1, "shipped": 1}
    assert code == 0, running.text
    assert '"level": "error"' not in running.text
    assert "joerg" not in running.text.lower()
    assert token not in running.text


async def test_a_process_killed_after_the_server_took_the_mail_leaves_one_mail_and_a_question(
    start: Start, mailbox: Mailbox, stage: Stage
) -> None:
    await mailbox.misbehave("DATA", "answer_late", delay_s=30)
    await stage.hear(a_snapshot(uuid4()))
    first = await start("work")
    await _until(lambda: _at_least(mailbox, 1))

    first.process.kill()
    await first.ended()
    await stage.rows("update job set lease_until = statement_timestamp() returning 1")
    await start("work")
    await _until(lambda: _in_state(stage, "outcome_unknown"))

    assert await stage.states() == [("order_confirmed", "outcome_unknown", "no_answer_stored")]
    assert len(await mailbox.mails()) == 1
    (event,) = await stage.said()
    assert (event.TOPIC, event.outcome_unknown) == ("notification.failed", True)


async def test_a_service_without_a_mail_server_to_use_says_so_and_does_not_start(start: Start) -> None:
    running = await start("work", CHANNEL_EMAIL_SENDER="nobody")

    code = await running.ended()

    assert code != 0
    assert "CHANNEL_EMAIL_SENDER" in running.text
    assert "nobody" not in running.text


async def _delays(running: Running) -> dict[str, float]:
    """Template -> messages whose delay was measured."""
    (started,) = [line for line in running.text.splitlines() if '"process.started"' in line]
    async with httpx.AsyncClient(trust_env=False) as client:
        metrics = (await client.get(f"http://127.0.0.1:{json.loads(started)['port']}/metrics")).text
    return {
        one.labels["template"]: one.value
        for family in text_string_to_metric_families(metrics)
        for one in family.samples
        if one.name == "crossdock_notification_delay_seconds_count"
    }


async def _at_least(mailbox: Mailbox, count: int) -> list[dict[str, Any]]:
    mails = await mailbox.mails()
    return mails if len(mails) >= count else []


async def _empty(stage: Stage, query: str) -> bool:
    return not await stage.rows(query)


async def _in_state(stage: Stage, state: str) -> bool:
    return any(found == state for _, found, _ in await stage.states())
