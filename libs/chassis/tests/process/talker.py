"""Two services as small as can be, to be killed by a test. Arguments: say | hear, database URL, broker.

`say` tells 30 versions of each of 10 orders, where it left off. `hear` writes down what it handles.
"""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import text

from crossdock_chassis.consumer import Consumer
from crossdock_chassis.database import Database, Transaction, open_engine
from crossdock_chassis.kafka import Kafka, KafkaProfile
from crossdock_chassis.relay import Relay
from crossdock_chassis.testing.events import a_notification
from crossdock_contracts.notifications import NotificationSentV1

ORDERS, VERSIONS = 10, 30
WRITE = text("insert into effect (key, what) values (:key, :what)")


class QuickKafka(Kafka):
    """A member that was killed is missed sooner."""

    def consumer_options(self) -> dict[str, Any]:
        quick = {"session_timeout_ms": 1_500, "heartbeat_interval_ms": 300}
        return {**super().consumer_options(), **quick}


async def say(database: Database[Transaction], kafka: Kafka, url: str) -> None:
    relay = Relay(database, kafka, direct_url=url, publishes=[NotificationSentV1], dead_letter="notify.dlq")
    relaying = asyncio.create_task(relay.run())
    async with database.transaction() as tx:
        said = (await tx.connection.execute(text("select count(*) from effect"))).scalar_one()
    for n in range(said, ORDERS * VERSIONS):
        order_id, version = uuid5(NAMESPACE_URL, str(n % ORDERS)), n // ORDERS + 1
        async with database.transaction() as tx:
            await tx.connection.execute(WRITE, {"key": str(order_id), "what": str(version)})
            await tx.outbox.add(a_notification(order_id, version))
        await asyncio.sleep(0.01)
    await relaying


async def hear(database: Database[Transaction], kafka: Kafka, _: str) -> None:
    async def on_sent(events: Sequence[NotificationSentV1], *, tx: Transaction) -> None:
        rows = [{"key": one.key, "what": str(one.aggregate_version)} for one in events]
        await tx.connection.execute(WRITE, rows)

    await Consumer("notify", database, {NotificationSentV1: on_sent}, kafka).run()


async def main(role: str, url: str, bootstrap_servers: str) -> None:
    database = Database(open_engine(url), Transaction)
    kafka = QuickKafka(bootstrap_servers=bootstrap_servers, profile=KafkaProfile.TANSU)
    await {"say": say, "hear": hear}[role](database, kafka, url)


asyncio.run(main(*sys.argv[1:]))
