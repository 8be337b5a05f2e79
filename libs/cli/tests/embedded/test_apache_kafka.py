"""Apache Kafka from its Maven jars. What starts a JVM runs with `pytest --apache-kafka` alone."""

import asyncio
import stat
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.conn import create_conn
from aiokafka.protocol.metadata import MetadataRequest

from crossdock_cli.embedded.apache_kafka import ApacheKafka
from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.kafka_jars import default_jar_cache, kafka_jars
from crossdock_cli.embedded.launch import free_port


async def send(kafka: ApacheKafka, values: list[bytes]) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers, enable_idempotence=True, acks="all"
    )
    await producer.start()
    for value in values:
        await producer.send_and_wait("order.created", value, key=value)
    await producer.stop()


async def read(kafka: ApacheKafka, count: int) -> set[bytes | None]:
    consumer = AIOKafkaConsumer(
        "order.created", bootstrap_servers=kafka.bootstrap_servers, auto_offset_reset="earliest"
    )
    await consumer.start()
    values = {(await consumer.getone()).value for _ in range(count)}
    await consumer.stop()
    return values


@pytest.mark.parametrize("nodes", [0, 2, 4])
def test_an_odd_number_of_nodes_is_refused(tmp_path: Path, nodes: int) -> None:
    with pytest.raises(EmbeddedError, match="one node or three"):
        ApacheKafka(tmp_path, nodes=nodes)


def test_three_nodes_need_three_ports(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="a port for each"):
        ApacheKafka(tmp_path, nodes=3, ports=[9092])


def test_maven_that_cannot_fetch_is_shown_and_leaves_no_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho the network is down\nexit 1\n", encoding="utf-8")
    maven.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EmbeddedError, match="the network is down"):
        kafka_jars(tmp_path / "cache")

    assert not any(path.suffix != ".partial" for path in (tmp_path / "cache").iterdir())


def test_a_machine_without_maven_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EmbeddedError, match=r"Maven \(mvn\) is not installed"):
        kafka_jars(tmp_path / "cache")


@pytest.mark.apache_kafka
@pytest.mark.timeout(900)
async def test_one_node_keeps_records_and_cluster_id_over_a_restart(tmp_path: Path) -> None:
    kafka = ApacheKafka(tmp_path, jar_cache=default_jar_cache())
    await kafka.start()
    try:
        first_cluster_id = kafka.cluster_id
        await send(kafka, [b"one", b"two"])

        await kafka.restart()

        assert await read(kafka, 2) == {b"one", b"two"}
        assert kafka.cluster_id == first_cluster_id
    finally:
        await kafka.stop()


@pytest.mark.apache_kafka
@pytest.mark.timeout(900)
async def test_three_nodes_accept_records_while_one_is_dead(tmp_path: Path) -> None:
    kafka = ApacheKafka(tmp_path, nodes=3, jar_cache=default_jar_cache())
    await kafka.start()
    try:
        await send(kafka, [b"before"])

        await kafka.kill_node(2)
        await send(kafka, [b"meanwhile"])
        await kafka.start()

        assert await read(kafka, 2) == {b"before", b"meanwhile"}
    finally:
        await kafka.stop()


@pytest.mark.apache_kafka
@pytest.mark.timeout(900)
async def test_clients_are_sent_to_the_advertised_ports_and_administration_goes_past_them(
    tmp_path: Path,
) -> None:
    nobody_listens = [free_port() for _ in range(3)]
    kafka = ApacheKafka(tmp_path, nodes=3, advertised_ports=nobody_listens, jar_cache=default_jar_cache())
    await kafka.start()
    try:
        connection = await create_conn("127.0.0.1", kafka.ports[0])
        told = await connection.send(MetadataRequest(topics=[]))
        connection.close()

        assert sorted(port for _, _, port, *_ in told.brokers) == sorted(nobody_listens)
        assert await kafka.is_ready()
    finally:
        await kafka.stop()


@pytest.mark.apache_kafka
@pytest.mark.timeout(900)
async def test_a_frozen_controller_is_replaced_and_a_stopped_node_comes_back(tmp_path: Path) -> None:
    kafka = ApacheKafka(tmp_path, nodes=3, jar_cache=default_jar_cache())
    await kafka.start()
    try:
        first = kafka.controller()
        assert first is not None

        kafka.pause_node(first)
        async with asyncio.timeout(30):
            while kafka.controller() in (first, None):  # noqa: ASYNC110  other processes elect
                await asyncio.sleep(0.1)
        kafka.resume_node(first)
        await kafka.stop_node(first)
        await kafka.start()

        assert await kafka.node_is_ready(first)
    finally:
        await kafka.stop()
