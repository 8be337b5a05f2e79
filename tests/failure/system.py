"""Where everything that is judged can be reached, past every proxy and whatever is broken meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

#: What a question to a database that is away raises. The last: its session ended in the middle of an answer.
DATABASE_AWAY = (
    *(OSError, TimeoutError),
    *(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError),
)


@dataclass(frozen=True, kw_only=True)
class System:
    """One running Crossdock: its databases, its topics, its sandboxes' books, its logs."""

    #: service -> SQLAlchemy URL of its database as the owner, directly at the server.
    databases: Mapping[str, str]
    #: Directly at the brokers.
    bootstrap_servers: str
    #: "apache" or "tansu", as the services are told.
    kafka_profile: str
    #: service -> base URL of one of its APIs.
    services: Mapping[str, str]
    #: "shopify", "easypost", "mailbox" -> base URL.
    sandboxes: Mapping[str, str]
    #: Opens every API.
    api_token: str
    #: JSON lines of every process, in files `<process>.log` and `<process>.log.1`.
    logs: Path
    #: service -> how many processes of it may hold database connections at once; 1 where it is not named.
    processes: Mapping[str, int] = field(default_factory=dict)
