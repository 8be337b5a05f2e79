"""The service as one process with all its roles: a webhook in, events out and in, the order closed."""

import asyncio
import base64
import json
import os
import sys
from pathlib import Path

import httpx
from aiokafka import AIOKafkaProducer
from prometheus_client.parser import text_string_to_metric_families

from crossdock_chassis.database import open_engine
from crossdock_chassis.ids import new_id
from crossdock_chassis.migrations import upgrade
from crossdock_chassis.wire import encode
from crossdock_cli.embedded.tansu import TansuBroker
from crossdock_cli.embedded.templates import FreshDatabase
from crossdock_contracts.envelope import Cause
from crossdock_contracts.shipping import ParcelShippedV1
from order_service.persistence.sealing import Sealer
from order_service.persistence.transaction import OrderDatabase, open_database

from .samples import NOON, Inventory, Shipping, an_account, shopify_body
from .test_jobs import eventually
from .test_journeys import SAMPLE_SKUS, a_sku, column, the_order
from .test_webhooks import signed

MIGRATIONS = Path(__file__).parents[1] / "migrations"
KEY = b"p" * 32


async def send(broker: TansuBroker, *events: object) -> None:
    """Put events on their topics as their publishers' relays would."""
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers)
    await producer.start()
    for event in events:
        wire = encode(event, event_id=new_id(), at=NOON, cause=Cause())  # type: ignore[arg-type]
        names, values = wire.headers[::2], wire.headers[1::2]
        headers = [(name, value.encode()) for name, value in zip(names, values, strict=True)]
        headers.append(("ce_logepoch", b"1"))
        await producer.send_and_wait(wire.topic, wire.payload, key=wire.key.encode(), headers=headers)
    await producer.stop()


async def test_one_process_takes_an_order_from_its_webhook_to_its_end(
    fresh_database: FreshDatabase, broker: TansuBroker
) -> None:
    urls = fresh_database("order", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    database = open_database(open_engine(urls.app_url), Sealer(KEY))
    async with database.transaction() as tx:
        await tx.accounts.put(an_account())
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "order_service",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={
            "PATH": os.environ["PATH"],
            "ORDER_DATABASE_URL": urls.app_url,
            "ORDER_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "ORDER_KAFKA_PROFILE": "tansu",
            "ORDER_HTTP_PORT": "0",
            "ORDER_METRICS_ENABLED": "true",
            "ORDER_ENCRYPTION_KEY": base64.b64encode(KEY).decode(),
        },
    )
    try:
        port = await _port(process)
        await send(broker, *(a_sku(name) for name in SAMPLE_SKUS))
        await eventually(lambda: _holds(database, "select count(*) = 2 from sku"), 30)
        raw = json.dumps(shopify_body()).encode()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            answer = await client.post("/webhooks/shopify/lumo", content=raw, headers=signed(raw))
        order = await the_order(database)
        reserved = Inventory(order).reserves()
        parcel = Shipping(order).parcel(ParcelShippedV1, reserved.allocations, parcel_id=new_id())
        await send(broker, reserved, parcel)
        await eventually(lambda: _holds(database, "select status = 'closed' from orders"), 30)
        await eventually(lambda: _holds(database, "select count(*) = 0 from outbox"), 30)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            metrics = (await client.get("/metrics")).text
    finally:
        process.terminate()
        output, _ = await process.communicate()
        await database.dispose()

    assert answer.status_code == 200
    assert process.returncode == 0, output.decode()[-3000:]
    assert _sample(metrics, "crossdock_order_time_to_ship_seconds_count") == 1
    webhook = {"http_route": "/webhooks/{platform}/{account}", "http_response_status_code": "200"}
    assert _sample(metrics, "http_server_request_duration_seconds_count", **webhook) == 1
    assert _sample(metrics, "crossdock_write_back_settled_total", outcome="late") == 0
    assert _sample(metrics, "crossdock_worklist_items", list="failed_messages") == 0
    assert b"Dana" not in output
    assert b"Example Ridge" not in output


def _sample(metrics: str, name: str, **labels: str) -> float:
    (value,) = [
        one.value
        for family in text_string_to_metric_families(metrics)
        for one in family.samples
        if one.name == name and labels.items() <= one.labels.items()
    ]
    return value


async def _port(process: asyncio.subprocess.Process) -> int:
    assert process.stdout is not None
    seen = b""
    async with asyncio.timeout(30):
        async for line in process.stdout:
            seen += line
            if b'"process.started"' in line:
                port: int = json.loads(line)["port"]
                return port
    raise AssertionError(seen.decode())


async def _holds(database: OrderDatabase, statement: str) -> bool:
    return (await column(database, statement))[0] is True
