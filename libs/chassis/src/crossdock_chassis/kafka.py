"""One Kafka connection: where it is, how it is secured, and what the broker behind it can do.

The two profiles are the only place that knows one broker from another.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from crossdock_chassis.renewed_tls import RenewedContext


class KafkaProfile(StrEnum):
    """Apache Kafka 4.x, or the embedded Tansu."""

    APACHE = "apache"
    TANSU = "tansu"


_PRODUCER: Mapping[KafkaProfile, Mapping[str, Any]] = MappingProxyType(
    {
        KafkaProfile.APACHE: {"enable_idempotence": True, "compression_type": "lz4", "linger_ms": 0},
        # Tansu 0.6 refuses InitProducerId. Without it a batch that is older than the request time-out
        # is given up, so a broker that comes back empty after that meets none of it.
        KafkaProfile.TANSU: {"enable_idempotence": False, "compression_type": None, "linger_ms": 0},
    }
)

_CONSUMER: Mapping[KafkaProfile, Mapping[str, Any]] = MappingProxyType(
    {
        KafkaProfile.APACHE: {
            "session_timeout_ms": 10_000,
            "heartbeat_interval_ms": 3_000,
            "rebalance_timeout_ms": 45_000,
            "fetch_max_wait_ms": 500,  # the broker answers at once when there is something
        },
        # A join takes half the session time-out there, and a fetch that found nothing is looked at again
        # after half of its wait: 40 ms is the best of latency and idle CPU (measured).
        KafkaProfile.TANSU: {
            "session_timeout_ms": 6_000,
            "heartbeat_interval_ms": 2_000,
            "rebalance_timeout_ms": 6_000,
            "fetch_max_wait_ms": 40,
        },
    }
)


@dataclass(frozen=True, kw_only=True)
class Kafka:
    """Settings of one connection. Without `security_protocol` it is plain text: for loopback only."""

    bootstrap_servers: str
    profile: KafkaProfile = KafkaProfile.APACHE
    client_id: str = "crossdock"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    #: What one record may measure on the wire. The broker's own limit per batch must not be lower.
    max_record_bytes: int = 1_000_000

    def connection_options(self) -> dict[str, Any]:
        """For any aiokafka client."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "client_id": self.client_id,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol in ("SSL", "SASL_SSL"):
            options["ssl_context"] = RenewedContext.of(self.ca_file, self.certificate_file, self.key_file)
        if self.security_protocol in ("SASL_PLAINTEXT", "SASL_SSL"):
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = self.sasl_password
        return options

    def producer_options(self) -> dict[str, Any]:
        """For AIOKafkaProducer. Every record is acknowledged by all in-sync replicas."""
        return {
            **self.connection_options(),
            "acks": "all",
            "max_batch_size": 131_072,
            "max_request_size": self.max_record_bytes,
            "request_timeout_ms": 5_000,
            "retry_backoff_ms": 100,
            "metadata_max_age_ms": 60_000,
            **_PRODUCER[self.profile],
        }

    def consumer_options(self) -> dict[str, Any]:
        """For AIOKafkaConsumer. Not in it: group, topics, and what to do without a committed offset."""
        return {
            **self.connection_options(),
            "enable_auto_commit": False,
            "isolation_level": "read_committed"
            if self.profile is KafkaProfile.APACHE
            else "read_uncommitted",
            # Equal partition counts and this assignor put all of one order's topics into one process.
            "partition_assignment_strategy": (RangePartitionAssignor,),
            "max_poll_interval_ms": 300_000,
            "fetch_max_bytes": 16 * 1024 * 1024,
            "max_partition_fetch_bytes": 1024 * 1024,
            "request_timeout_ms": 40_000,
            "metadata_max_age_ms": 60_000,
            **_CONSUMER[self.profile],
        }

    async def cluster_id(self, *, timeout_s: float = 5) -> str | None:
        """Ask the broker who it is, over a connection of its own. None when nobody answers in time."""
        admin = AIOKafkaAdminClient(**self.connection_options(), request_timeout_ms=int(timeout_s * 1000))
        try:
            async with asyncio.timeout(timeout_s):
                await admin.start()
                cluster_id: str | None = (await admin.describe_cluster())["cluster_id"]
                return cluster_id
        except (KafkaError, OSError, TimeoutError):
            return None
        finally:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await admin.close()
