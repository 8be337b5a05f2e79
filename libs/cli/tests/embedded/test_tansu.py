"""The embedded broker forgets everything at its end, and tells so by its cluster id."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.tansu import TansuBroker
from crossdock_cli.embedded.topics import load_topics


async def seen(broker: TansuBroker) -> tuple[str, set[str]]:
    """The cluster id and topics a client sees."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    try:
        return (await admin.describe_cluster())["cluster_id"], set(await admin.list_topics())
    finally:
        await admin.close()


async def test_a_fresh_broker_has_every_topic_of_the_list(broker: TansuBroker) -> None:
    cluster_id, topics = await seen(broker)

    assert cluster_id == broker.cluster_id
    assert topics == {topic.name for topic in load_topics()}


async def test_what_is_produced_is_consumed(broker: TansuBroker) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, acks="all")
    consumer = AIOKafkaConsumer(
        "order.created", bootstrap_servers=broker.bootstrap_servers, auto_offset_reset="earliest"
    )
    await producer.start()
    await consumer.start()
    try:
        for number in range(20):
            await producer.send_and_wait(
                "order.created", b"%d" % number, key=b"%d" % number, headers=[("a", b"b")]
            )
        async with asyncio.timeout(10):
            values = {(await consumer.getone()).value for _ in range(20)}
    finally:
        await consumer.stop()
        await producer.stop()

    assert values == {b"%d" % number for number in range(20)}


async def test_a_killed_broker_comes_back_empty_with_another_cluster_id(broker: TansuBroker) -> None:
    before = await seen(broker)

    await broker.kill()
    await broker.restart(with_topics=False)
    after = await seen(broker)
    await broker.create_topics()
    await broker.create_topics()

    assert after[0] not in ("", before[0])
    assert after == (broker.cluster_id, set())
    assert (await seen(broker))[1] == before[1]


async def test_a_restarted_broker_has_its_address_and_topics_again(broker: TansuBroker) -> None:
    address, topics = broker.bootstrap_servers, (await seen(broker))[1]

    await broker.restart()

    assert broker.bootstrap_servers == address
    assert (await seen(broker))[1] == topics


async def test_a_broker_killed_from_outside_is_started_again(broker: TansuBroker) -> None:
    os.kill(broker.pid, signal.SIGKILL)
    async with asyncio.timeout(5):
        while broker.pid:  # noqa: ASYNC110  another process ends
            await asyncio.sleep(0.01)

    await broker.start()

    assert (await seen(broker))[0] == broker.cluster_id


async def test_a_stopped_broker_frees_its_port(tmp_path: Path) -> None:
    broker = TansuBroker(tmp_path)
    await broker.start(with_topics=False)

    await broker.stop()
    await broker.stop()

    with socket.socket() as probe:
        host, port = broker.bootstrap_servers.split(":")
        assert probe.connect_ex((host, int(port))) != 0


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        with pytest.raises(EmbeddedError, match="the broker cannot listen"):
            await TansuBroker(tmp_path, port=other.getsockname()[1]).start()
