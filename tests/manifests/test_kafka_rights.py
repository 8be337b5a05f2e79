"""A real Apache Kafka with its authorizer on and the users of the manifests: `pytest --apache-kafka`."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.conn import create_conn
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError
from aiokafka.protocol.admin import CreateAclsRequest

from crossdock_chassis.handlers import topics_of
from crossdock_chassis.kafka import Kafka
from crossdock_chassis.testing.certificates import Authority
from crossdock_cli.embedded.apache_kafka import ApacheKafka

from .rendered import SERVICES, Rendered, render
from .test_kafka import a_service, rights

pytestmark = [pytest.mark.apache_kafka, pytest.mark.timeout(600)]

# Kafka protocol, "ACL": resource types, operations, a literal name, an allowance.
RESOURCES = {"topic": 2, "group": 3}
OPERATIONS = {"Read": 3, "Write": 4, "Describe": 8, "DescribeConfigs": 10}
LITERAL, ALLOW = 3, 3
TOPIC_AUTHORIZATION_FAILED = 29


@dataclass(frozen=True)
class Guarded:
    """The broker, and certificates for its users."""

    broker: ApacheKafka
    authority: Authority
    folder: Path

    def as_user(self, user: str) -> Kafka:
        """The connection of this user, by certificate."""
        home = self.folder / user
        self.authority.issue(user, home)
        return Kafka(
            bootstrap_servers=self.broker.bootstrap_servers,
            client_id=user,
            security_protocol="SSL",
            ca_file=self.folder / "ca.crt",
            certificate_file=home / "user.crt",
            key_file=home / "user.key",
        )


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """As Strimzi sets a broker up: clients by certificate, the simple authorizer, the rights of the users."""
    folder = tmp_path_factory.mktemp("guarded")
    authority = Authority("clients")
    authority.issue("broker", folder)
    (folder / "ca.crt").write_bytes(authority.pem)
    (folder / "broker.pem").write_bytes(
        (folder / "user.key").read_bytes() + (folder / "user.crt").read_bytes()
    )
    broker = ApacheKafka(
        folder / "kafka",
        settings={
            "listener.security.protocol.map": "CLIENT:SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(folder / "broker.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(folder / "ca.crt"),
            "ssl.client.auth": "required",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",  # the brokers among themselves
        },
    )

    async def start() -> None:
        await broker.start()
        await grant(broker, render("production"))

    asyncio.run(start())
    yield Guarded(broker, authority, folder)
    asyncio.run(broker.stop())


async def grant(broker: ApacheKafka, rendered: Rendered) -> None:
    """What Strimzi's user operator does with a KafkaUser."""
    host, port = broker.direct_servers.split(":")
    connection = await create_conn(host, int(port))
    for user in rendered.of("KafkaUser"):
        for kind, name, operation in sorted(rights(user)):
            principal = f"User:CN={user['metadata']['name']}"
            answer = await connection.send(
                CreateAclsRequest(
                    RESOURCES[kind], name, LITERAL, principal, "*", OPERATIONS[operation], ALLOW
                )
            )
            assert [error for error, _ in answer.creation_responses] == [0]
    connection.close()


async def write(kafka: Kafka, topic: str) -> None:
    """One record, as the relay sends it. Raises KafkaError."""
    producer = AIOKafkaProducer(**kafka.producer_options())
    try:
        await producer.start()
        await producer.send_and_wait(topic, b"{}", key=b"key")
    finally:
        await producer.stop()


async def read(kafka: Kafka, group: str, topics: list[str]) -> None:
    """Join the group, look for records, commit. Raises KafkaError."""
    consumer = AIOKafkaConsumer(group_id=group, auto_offset_reset="earliest", **kafka.consumer_options())
    consumer.subscribe(topics)
    try:
        await consumer.start()
        async with asyncio.timeout(60):
            while not consumer.assignment():
                await consumer.getmany(timeout_ms=200)
        await consumer.getmany(timeout_ms=500)
        await consumer.commit(dict.fromkeys(consumer.assignment(), 0))
    finally:
        await consumer.stop()


async def poll(consumer: AIOKafkaConsumer) -> None:
    """Until the broker says no. Raises TimeoutError where it does not."""
    async with asyncio.timeout(30):
        while True:
            await consumer.getmany(timeout_ms=500)


async def retention_errors(kafka: Kafka, topics: set[str]) -> set[int]:
    admin = AIOKafkaAdminClient(**kafka.connection_options())
    await admin.start()
    asked = [ConfigResource(ConfigResourceType.TOPIC, one, {"retention.ms": None}) for one in sorted(topics)]
    answers = await admin.describe_configs(asked)
    await admin.close()
    return {error for answer in answers for error, *_ in answer.resources}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_does_its_work_with_the_rights_it_has(guarded: Guarded, service: str) -> None:
    code = await asyncio.to_thread(a_service, render("production"), service)
    kafka = guarded.as_user(f"{service}-service")
    reads, writes = set(topics_of(code.handlers)), {event.TOPIC for event in code.publishes}

    for topic in sorted(writes | {f"{service}.dlq"}):
        await write(kafka, topic)
    await read(kafka, code.name, sorted(reads))

    assert await kafka.cluster_id() == guarded.broker.cluster_id
    assert await retention_errors(kafka, reads | writes) == {0}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_does_nothing_else(guarded: Guarded, service: str) -> None:
    code = await asyncio.to_thread(a_service, render("production"), service)
    kafka = guarded.as_user(f"{service}-service")
    reads, writes = set(topics_of(code.handlers)), {event.TOPIC for event in code.publishes}
    another = SERVICES[SERVICES.index(service) - 1]

    for topic in sorted(reads - writes):
        with pytest.raises(TopicAuthorizationFailedError):
            await write(kafka, topic)
    with pytest.raises(TopicAuthorizationFailedError):
        await read(kafka, code.name, [f"{another}.dlq"])
    with pytest.raises(GroupAuthorizationFailedError):
        await read(kafka, another, sorted(reads))
    admin = AIOKafkaAdminClient(**kafka.connection_options())
    await admin.start()
    made = await admin.create_topics([NewTopic("of.my.own", 1, 1)])
    await admin.close()
    assert made.topic_errors[0][1] == TOPIC_AUTHORIZATION_FAILED


async def test_the_autoscaler_sees_lags_and_reads_no_record(guarded: Guarded) -> None:
    kafka = guarded.as_user("keda")
    partition = TopicPartition("stock.reserved", 0)
    consumer = AIOKafkaConsumer(group_id="order", **kafka.consumer_options())
    await consumer.start()
    try:
        assert (await consumer.end_offsets([partition]))[partition] >= 0
        consumer.assign([partition])
        await consumer.committed(partition)
        consumer.seek(partition, 0)

        with pytest.raises(TopicAuthorizationFailedError):
            await poll(consumer)
    finally:
        await consumer.stop()


async def test_nobody_comes_in_without_a_certificate(guarded: Guarded) -> None:
    kafka = Kafka(
        bootstrap_servers=guarded.broker.bootstrap_servers,
        security_protocol="SSL",
        ca_file=guarded.folder / "ca.crt",
    )

    assert await kafka.cluster_id() is None
