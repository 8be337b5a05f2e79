"""Writes topics.yaml from the one list of topics, deploy/kafka/topics.yaml. A test compares the two."""

from pathlib import Path

from crossdock_cli.embedded.topics import Topic, load_topics

TOPICS = Path(__file__).parent / "topics.yaml"

_HEAD = "# Generated from deploy/kafka/topics.yaml by generate_topics.py; do not edit.\n"

_TOPIC = """\
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata:
  name: {resource}
  labels: {{strimzi.io/cluster: crossdock}}
spec:
  topicName: {topic.name}
  partitions: {topic.partitions}
  replicas: {topic.replication_factor}
  config: {{{config}}}
"""


def render() -> str:
    """The file's text, one KafkaTopic for each topic."""
    return _HEAD + "".join(_topic(topic) for topic in load_topics())


def _topic(topic: Topic) -> str:
    config = ", ".join(f'{name}: "{value}"' for name, value in topic.settings.items())
    return _TOPIC.format(resource=topic.name.replace("_", "-"), topic=topic, config=config)


if __name__ == "__main__":
    TOPICS.write_text(render(), encoding="utf-8")
