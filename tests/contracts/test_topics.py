"""The list of topics, the contracts and the services' own tables say the same."""

from importlib import import_module

import pytest

from crossdock_cli.embedded.topics import load_topics
from crossdock_contracts.registry import EVENTS
from crossdock_contracts.subscriptions import LISTENS

SERVICES = ("order", "inventory", "shipping", "notify")


def test_every_event_has_a_topic_and_every_consumer_a_dead_letter_topic() -> None:
    listed = {topic.name for topic in load_topics()}

    assert listed == {event.TOPIC for event in EVENTS.values()} | {f"{one}.dlq" for one in SERVICES}


def test_topics_with_the_same_key_have_the_same_number_of_partitions() -> None:
    by_key: dict[str, set[int]] = {}
    for topic in load_topics():
        by_key.setdefault(topic.key, set()).add(topic.partitions)

    assert {key: len(counts) for key, counts in by_key.items()} == dict.fromkeys(by_key, 1)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_listens_to_what_the_contracts_say(service: str) -> None:
    handlers = import_module(f"{service}_service.messaging").HANDLERS

    assert set(handlers) == LISTENS[service]
