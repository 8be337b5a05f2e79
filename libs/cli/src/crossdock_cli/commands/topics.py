"""`crossdock topics`."""

import asyncio
from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from crossdock_cli.embedded.topics import create_missing_topics, load_topics
from crossdock_cli.errors import CommandFailed
from crossdock_cli.terminal import notes


def topics(
    bootstrap_servers: Annotated[str, typer.Argument(help="The broker as host:port; it stands alone.")],
) -> None:
    """Create the topics that a broker of a laptop does not have yet. Safe to repeat.

    With one copy and few partitions each; a cluster gets its topics from whoever runs it.
    """
    wanted = [topic.embedded() for topic in load_topics()]
    try:
        asyncio.run(create_missing_topics(bootstrap_servers, wanted))
    except KafkaError as error:
        raise CommandFailed(f"no broker answers at {bootstrap_servers} ({type(error).__name__})") from error
    notes.print(f"{len(wanted)} topics are there")
