"""The one list of topics, `deploy/kafka/topics.yaml`, and how a broker gets them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code
from pydantic import BaseModel, ConfigDict, Field

from crossdock_cli.embedded.errors import EmbeddedError

#: The list in the checkout this package is installed from.
TOPICS_FILE = Path(__file__).parents[5] / "deploy" / "kafka" / "topics.yaml"

_NO_ERROR, _TOPIC_ALREADY_EXISTS = 0, 36  # Kafka protocol, "Error Codes"


class Topic(BaseModel):
    """One topic as operators order it; `embedded_partitions` is what a laptop has instead of `partitions`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_.]{0,99}$")
    key: str
    partitions: int = Field(ge=1)
    embedded_partitions: int = Field(ge=1)
    retention_days: int = Field(ge=1)
    replication_factor: int = Field(ge=1)
    min_insync_replicas: int = Field(ge=1)

    @property
    def settings(self) -> dict[str, str]:
        """The topic's settings in Kafka's own words."""
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_days * 86_400_000),
            "min.insync.replicas": str(self.min_insync_replicas),
        }

    def embedded(self) -> "Topic":
        """Return the same topic for a broker that stands alone on a laptop."""
        return self.model_copy(
            update={
                "partitions": self.embedded_partitions,
                "replication_factor": 1,
                "min_insync_replicas": 1,
            }
        )


def load_topics(file: Path = TOPICS_FILE) -> tuple[Topic, ...]:
    """Read the list. Raises EmbeddedError when it is missing, misspelt or names a topic twice."""
    try:
        content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        topics = tuple(Topic.model_validate(content["defaults"] | entry) for entry in content["topics"])
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise EmbeddedError(f"the list of topics {file} cannot be read: {error}") from error
    if len({topic.name for topic in topics}) != len(topics):
        raise EmbeddedError(f"the list of topics {file} names a topic twice")
    return topics


async def create_missing_topics(bootstrap_servers: str, topics: Sequence[Topic]) -> None:
    """Create the topics a broker does not have yet, as given; existing ones stay as they are.

    Safe to repeat. Raises EmbeddedError when the broker refuses one, aiokafka's errors when it is not there.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=10_000)
    try:
        await admin.start()
        response = await admin.create_topics(
            [
                NewTopic(topic.name, topic.partitions, topic.replication_factor, topic_configs=topic.settings)
                for topic in topics
            ]
        )
    finally:
        await admin.close()
    for name, code, *_ in response.topic_errors:
        if code not in (_NO_ERROR, _TOPIC_ALREADY_EXISTS):
            raise EmbeddedError(f"the broker does not create the topic {name}: {for_code(code).__name__}")
