"""How long the topics remember, against how long we count on it."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from crossdock_chassis.kafka import Kafka
from crossdock_chassis.log_epoch import REPLAY_WINDOW

log = structlog.get_logger()


class WindowMismatch(RuntimeError):
    """Topics keep records shorter than a lost reader needs, or so long that the inbox has forgotten them."""


async def check_windows(kafka: Kafka, topics: Iterable[str], *, limit_s: float = 5) -> None:
    """Raise WindowMismatch unless each topic keeps its records for REPLAY_WINDOW, no more and no less.

    Where the broker does not tell (Tansu closes the connection) or is away there is a log line and no check.
    """
    admin = AIOKafkaAdminClient(**kafka.connection_options(), request_timeout_ms=int(limit_s * 1000))
    asked = [
        ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": None})
        for topic in sorted(set(topics))
    ]
    try:
        async with asyncio.timeout(limit_s):
            await admin.start()
            answers = await admin.describe_configs(asked)
    except (KafkaError, OSError, TimeoutError) as error:
        log.warning("windows.unknown", error=type(error).__name__)
        return
    finally:
        with suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(1):
                await admin.close()
    wrong = {
        topic: value
        for answer in answers
        for error_code, _, _, topic, settings in answer.resources
        if error_code == 0
        for name, value, *_ in settings
        if name == "retention.ms" and timedelta(milliseconds=int(value)) != REPLAY_WINDOW
    }
    if wrong:
        raise WindowMismatch(f"retention.ms is not {REPLAY_WINDOW // timedelta(milliseconds=1)}: {wrong}")
