"""A relay in a process of its own, to be killed and stopped by tests. Arguments: database URL, broker."""

import asyncio
import sys

from crossdock_chassis.database import Database, Transaction, open_engine
from crossdock_chassis.kafka import Kafka, KafkaProfile
from crossdock_chassis.relay import Relay
from crossdock_contracts.notifications import NotificationFailedV1, NotificationSentV1


async def main(database_url: str, bootstrap_servers: str) -> None:
    database = Database(open_engine(database_url), Transaction)
    relay = Relay(
        database,
        Kafka(bootstrap_servers=bootstrap_servers, profile=KafkaProfile.TANSU),
        direct_url=database_url,
        publishes=[NotificationSentV1, NotificationFailedV1],
        dead_letter="notify.dlq",
    )
    await relay.run()


asyncio.run(main(*sys.argv[1:]))
