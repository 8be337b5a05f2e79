"""The one list of topics is complete, consistent and read strictly."""

from pathlib import Path

import pytest

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.topics import load_topics

DEFAULTS = (
    "defaults: {partitions: 12, embedded_partitions: 4, retention_days: 14,"
    " replication_factor: 3, min_insync_replicas: 2, key: order_id}\n"
)


def test_all_topics_have_equal_partitions_and_the_replay_window_as_retention() -> None:
    topics = load_topics()

    assert {(topic.partitions, topic.embedded_partitions, topic.retention_days) for topic in topics} == {
        (12, 2, 14)
    }


def test_only_the_facts_of_a_sku_are_not_keyed_by_the_order() -> None:
    topics = load_topics()

    assert {topic.name for topic in topics if topic.key == "sku"} == {"stock.level_changed", "sku.changed"}
    assert {topic.name for topic in topics if topic.name.endswith(".dlq")} == {
        topic.name for topic in topics if topic.key == "parked_key"
    }


def test_a_real_cluster_keeps_three_copies_and_a_laptop_one() -> None:
    [topic] = [topic for topic in load_topics() if topic.name == "order.created"]

    assert (topic.replication_factor, topic.settings["min.insync.replicas"]) == (3, "2")
    assert (topic.embedded().replication_factor, topic.embedded().settings["min.insync.replicas"]) == (1, "1")
    assert topic.settings["retention.ms"] == str(14 * 24 * 3600 * 1000)


@pytest.mark.parametrize(
    "listing",
    [
        "topics: [{name: a.b, retention: 3}]",
        "topics: [{name: a.b}, {name: a.b}]",
        "topics: [{name: Not A Topic}]",
        "topics: [{name: a.b, partitions: 0}]",
        "topic: []",
        "{",
    ],
)
def test_a_list_that_is_not_right_is_refused(tmp_path: Path, listing: str) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text(DEFAULTS + listing, encoding="utf-8")

    with pytest.raises(EmbeddedError, match="the list of topics"):
        load_topics(file)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"absent\.yaml"):
        load_topics(tmp_path / "absent.yaml")
