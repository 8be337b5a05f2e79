"""What a service is made of, as one value: its `__main__` builds it, `process.run_service` runs it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from crossdock_chassis.config import ServiceSettings
from crossdock_chassis.database import Database
from crossdock_chassis.handlers import Handlers
from crossdock_chassis.jobs import Destination, JobHandler
from crossdock_chassis.timers import TimerHandler
from crossdock_contracts.envelope import Event

#: A loop of the work role: polls until the event is set, then ends by itself within seconds.
Loop = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service. `name` is its Kafka group and consumer name, too: order, inventory, shipping, notify.

    `publishes`: every event type it may write to its outbox -> what a person does about one that a restore of
    the database took back, the weightiest first. `jobs` and `timers`: kind or name -> handler.
    `relay_look_s`: how soon after a wave its relay looks for the next one. `background`: name -> loop of the
    work role. `worklists`: name -> statement that counts what a person has to see (backlog.py). `migrations`:
    the folder that holds `versions/`. `close`: awaited at the end, in order, before the database is closed;
    each has two seconds.
    """

    name: str
    settings: ServiceSettings
    database: Database[Any]
    build_app: Callable[[], FastAPI]
    migrations: Path
    version: str = "0.1.0"
    publishes: Mapping[type[Event], str] = field(default_factory=dict)
    relay_look_s: float = 0.02
    handlers: Handlers = field(default_factory=dict)
    jobs: Mapping[str, JobHandler] = field(default_factory=dict)
    destinations: Sequence[Destination] = ()
    timers: Mapping[str, TimerHandler[Any]] = field(default_factory=dict)
    background: Mapping[str, Loop] = field(default_factory=dict)
    worklists: Mapping[str, str] = field(default_factory=dict)
    close: Sequence[Callable[[], Awaitable[object]]] = ()
