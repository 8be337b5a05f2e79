"""What waits, as a work process shows it at /metrics."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from crossdock_chassis.ids import new_id
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.postgres import PostgresServer

from .conftest import Start

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def of(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


async def scrape(client: httpx.AsyncClient, until: str) -> Samples:
    """Every sample without the labels of its scope, once `until` is among them."""
    async with asyncio.timeout(20):
        while True:
            text = (await client.get("/metrics")).text
            found = {
                of(one.name, **{k: v for k, v in one.labels.items() if not k.startswith("otel_")}): one.value
                for family in text_string_to_metric_families(text)
                for one in family.samples
            }
            if any(name == until for name, _ in found):
                return found
            await asyncio.sleep(0.1)


async def test_what_waits_in_the_database_is_shown_though_no_consumer_and_no_relay_runs(
    urls: DatabaseUrls, start: Start, postgres: PostgresServer
) -> None:
    name = urls.app_url.rsplit("/", 1)[1]
    postgres.sql(
        f"""
        insert into parked_key (consumer, key, error_type, error_text, fingerprint, since)
        values ('inventory', 'o-1', 'KeyError', 'line 3', 'f1', now() - interval '90 s');
        insert into timer (timer_id, merchant_id, name, key, due_at, payload)
        values ('{new_id()}', 'default', 'unpaid', 'o-1', now() - interval '400 s', '{{}}');
        insert into outbox_parked (shard, seq, event_id, topic, key, headers, payload, created_at, error)
        values (0, 1, '{new_id()}', 'stock.released', 'o-1', '{{}}', '', now(), 'too large');
        """,
        database=name,
    )

    running = await start(urls, "work", DEMO_METRICS_ENABLED="true")
    async with await running.client() as client:
        seen = await scrape(client, until="crossdock_parked_keys")

    assert seen[of("crossdock_parked_keys")] == 1
    assert seen[of("crossdock_parked_age_seconds")] == pytest.approx(90, abs=30)
    assert seen[of("crossdock_timer_overdue_seconds")] == pytest.approx(400, abs=30)
    assert seen[of("crossdock_outbox_parked_rows")] == 1
    assert seen[of("crossdock_outbox_rows")] == 0
    assert seen[of("crossdock_worklist_items", list="parked")] == 1
    assert seen[of("crossdock_worklist_age_seconds", list="parked")] == pytest.approx(90, abs=30)


async def test_counters_of_trouble_are_shown_before_there_is_any(urls: DatabaseUrls, start: Start) -> None:
    running = await start(urls, "consume", "relay", DEMO_METRICS_ENABLED="true")

    async with await running.client() as client:
        seen = await scrape(client, until="crossdock_relay_rows_parked_total")

    assert seen[of("crossdock_relay_rows_parked_total")] == 0
    assert seen[of("crossdock_log_epochs_raised_total")] == 0
    assert seen[of("crossdock_consumer_records_total", consumer="inventory", outcome="parked")] == 0


async def test_two_processes_of_a_service_are_two_instances(urls: DatabaseUrls, start: Start) -> None:
    instances = set()
    for _ in range(2):
        running = await start(urls, "work", DEMO_METRICS_ENABLED="true")
        async with await running.client() as client:
            seen = await scrape(client, until="target_info")
        instances |= {dict(labels)["service_instance_id"] for name, labels in seen if name == "target_info"}

    assert len(instances) == 2
