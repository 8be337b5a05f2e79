"""Topics, groups, rights and autoscaling are what the list of topics and the code say."""

from importlib import util

import pytest

from crossdock_chassis.consumer_session import COMMIT_EVERY_S
from crossdock_chassis.handlers import topics_of
from crossdock_chassis.kafka import Kafka
from crossdock_chassis.log_epoch import REPLAY_WINDOW
from crossdock_chassis.service import Service
from crossdock_cli.embedded.topics import load_topics

from .processes import service_of
from .rendered import K8S, SERVICES, Manifest, Rendered

Right = tuple[str, str, str]


def a_service(rendered: Rendered, service: str) -> Service:
    return service_of(rendered, rendered.get("Deployment", f"{service}-consume"))


def rights(user: Manifest) -> set[Right]:
    """(kind, name, operation) of each thing the user may do."""
    return {
        (acl["resource"]["type"], acl["resource"]["name"], operation)
        for acl in user["spec"]["authorization"]["acls"]
        for operation in acl["operations"]
    }


def test_the_topics_are_generated_from_the_one_list() -> None:
    folder = K8S / "platform" / "kafka"
    spec = util.spec_from_file_location("generate_topics", folder / "generate_topics.py")
    assert spec is not None
    assert spec.loader is not None
    generator = util.module_from_spec(spec)
    spec.loader.exec_module(generator)

    assert (folder / "topics.yaml").read_text() == generator.render()


def test_the_cluster_gets_every_topic_as_the_list_orders_it(replicated: Rendered) -> None:
    found = {one["spec"]["topicName"]: one["spec"] for one in replicated.of("KafkaTopic")}
    listed = {one.name: one for one in load_topics()}

    assert set(found) == set(listed)
    for topic, spec in found.items():
        assert (spec["partitions"], spec["replicas"]) == (
            listed[topic].partitions,
            listed[topic].replication_factor,
        )
        assert spec["config"] == listed[topic].settings
        assert int(spec["config"]["retention.ms"]) == REPLAY_WINDOW.total_seconds() * 1000


def test_on_one_broker_a_topic_asks_for_one_copy(rendered: Rendered) -> None:
    brokers = sum(
        one["spec"]["replicas"] for one in rendered.of("KafkaNodePool") if "broker" in one["spec"]["roles"]
    )
    controllers = [one for one in rendered.of("KafkaNodePool") if "controller" in one["spec"]["roles"]]

    assert len(controllers) == 1
    for topic in rendered.of("KafkaTopic"):
        assert topic["spec"]["replicas"] == min(brokers, 3)
        assert int(topic["spec"]["config"]["min.insync.replicas"]) == max(1, topic["spec"]["replicas"] - 1)


def test_the_brokers_take_any_record_the_code_may_send(rendered: Rendered) -> None:
    (kafka,) = rendered.of("Kafka")

    assert "message.max.bytes" not in kafka["spec"]["kafka"]["config"]  # Kafka's own: 1,048,588
    assert Kafka(bootstrap_servers="").max_record_bytes < 1_048_588


def test_a_broker_makes_no_topic_by_itself_and_loses_no_record_by_choosing_badly(rendered: Rendered) -> None:
    config = rendered.of("Kafka")[0]["spec"]["kafka"]["config"]

    assert config["auto.create.topics.enable"] is False
    assert config["unclean.leader.election.enable"] is False


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_read_and_write_what_its_code_does_and_nothing_else(
    rendered: Rendered, service: str
) -> None:
    code = a_service(rendered, service)
    reads = set(topics_of(code.handlers))
    writes = {event.TOPIC for event in code.publishes}
    wanted = {("group", code.name, "Read"), ("group", code.name, "Describe")}
    for topics, operation in ((reads, "Read"), (writes, "Write")):
        # Of these the process asks for the retention at its start.
        wanted |= {
            ("topic", topic, one) for topic in topics for one in (operation, "Describe", "DescribeConfigs")
        }
    wanted |= {("topic", f"{code.name}.dlq", one) for one in ("Write", "Describe")}

    assert rights(rendered.get("KafkaUser", f"{service}-service")) == wanted


def test_the_autoscaler_sees_how_far_groups_are_and_reads_no_record(replicated: Rendered) -> None:
    asked = {
        (trigger["metadata"]["consumerGroup"], trigger["metadata"]["topic"])
        for one in replicated.of("ScaledObject")
        for trigger in one["spec"]["triggers"]
    }
    wanted = {("group", group, "Describe") for group, _ in asked}
    wanted |= {("topic", topic, "Describe") for _, topic in asked}

    assert rights(replicated.get("KafkaUser", "keda")) == wanted


def test_there_is_no_user_beyond_these_and_no_right_by_pattern(rendered: Rendered) -> None:
    users = {one["metadata"]["name"] for one in rendered.of("KafkaUser")}

    assert users == {*(f"{one}-service" for one in SERVICES), "keda"}
    for user in rendered.of("KafkaUser"):
        assert user["spec"]["authentication"] == {"type": "tls"}
        for acl in user["spec"]["authorization"]["acls"]:
            assert acl["resource"]["patternType"] == "literal"
            assert "*" not in acl["resource"]["name"]


@pytest.mark.parametrize("service", SERVICES)
def test_consumers_are_scaled_by_the_lag_of_their_group_on_every_topic_they_listen_to(
    replicated: Rendered, service: str
) -> None:
    code = a_service(replicated, service)
    scaled = replicated.get("ScaledObject", f"{service}-consume")["spec"]
    triggers = [trigger["metadata"] for trigger in scaled["triggers"]]

    assert scaled["scaleTargetRef"] == {"name": f"{service}-consume"}
    assert sorted(one["topic"] for one in triggers) == sorted(topics_of(code.handlers))
    assert {one["consumerGroup"] for one in triggers} == {code.name}
    assert {one["bootstrapServers"] for one in triggers} == {code.settings.kafka_bootstrap_servers}
    # More members than partitions would stand idle.
    partitions = {one.name: one.partitions for one in load_topics()}
    assert scaled["maxReplicaCount"] <= min(partitions[one["topic"]] for one in triggers)


def test_the_autoscaler_asks_kafka_as_it_has_to_be_asked(replicated: Rendered) -> None:
    for one in replicated.of("ScaledObject"):
        for trigger in one["spec"]["triggers"]:
            assert trigger["authenticationRef"] == {"name": "kafka-lag"}
            assert trigger["metadata"]["tls"] == "enable"
            assert trigger["metadata"]["version"] == "3.8.0"  # without it a protocol that Kafka 4 refuses
            assert trigger["metadata"]["offsetResetPolicy"] == "earliest"
            assert trigger["metadata"]["excludePersistentLag"] == "true"
        # A partition counts as standing still when nothing was committed between two looks.
        assert one["spec"]["pollingInterval"] > 2 * COMMIT_EVERY_S


def test_brokers_listen_to_clients_with_certificates_alone(rendered: Rendered) -> None:
    (kafka,) = rendered.of("Kafka")
    (listener,) = kafka["spec"]["kafka"]["listeners"]
    host, port = f"{kafka['metadata']['name']}-kafka-bootstrap", listener["port"]

    assert (listener["tls"], listener["authentication"]) == (True, {"type": "tls"})
    assert kafka["spec"]["kafka"]["authorization"] == {"type": "simple"}
    assert {a_service(rendered, one).settings.kafka_bootstrap_servers for one in SERVICES} == {
        f"{host}:{port}"
    }
