"""The roles wired together over a real broker."""

import signal

from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.tansu import TansuBroker

from .conftest import Start


async def test_an_event_goes_from_one_process_through_the_broker_to_another_in_one_trace(
    urls: DatabaseUrls, start: Start, broker: TansuBroker
) -> None:
    kafka = {
        "DEMO_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
        "DEMO_KAFKA_PROFILE": "tansu",
    }
    saying = await start(urls, "api", "relay", **kafka)
    hearing = await start(urls, "consume", "work", **kafka)

    async with await saying.client() as client, await hearing.client() as probes:
        trace_id = (await client.post("/v1/releases")).json()
        handled = await hearing.said("demo.handled", timeout_s=40)
        ready = await probes.get("/readyz")

    assert [one.split("-")[1] for one in handled["trace_ids"]] == [trace_id]
    assert ready.status_code == 200
    for running in (saying, hearing):
        running.process.send_signal(signal.SIGTERM)
    assert [await running.ended() for running in (saying, hearing)] == [0, 0]
    for running in (saying, hearing):
        assert not [line for line in running.lines if line["level"] == "error"]
        assert "too_slow" not in running.text
