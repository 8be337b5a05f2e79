"""How each peer is run and asked. What they need lies in an environment of its own: `make peers`."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.launch import LOOPBACK, Launch, free_port
from crossdock_cli.embedded.supervisor import Child

from ..beside import REPOSITORY, STARTS_WITHIN_S, Plan
from ..goals import ANNOUNCED, RESERVED, SHIPPED, WRITTEN_BACK, Question, Stage, rows
from ..plant import Plant

ENVIRONMENT = REPOSITORY / ".venv-peers"
PYTHON = str(ENVIRONMENT / "bin" / "python")
TEMPORAL = ENVIRONMENT / "bin" / "temporal"
#: Peer -> how many times as fast Crossdock is to be.
TARGETS = {"usual": 3.0, "dbos": 5.0, "temporal": 3.0}
_ROLE = "bench"
_SHIPMENTS = ("shipments", "shipment_id", "planned_at")
_PARCELS = ("parcels", "parcel_id", "shipped_at")
_MAILS = ("mails", "mail_id", "sent_at")
_WRITE_BACKS = ("write_backs", "order_id", "confirmed_at")
_ENDED = (
    *("dbos.workflow_status", "workflow_uuid", "to_timestamp(updated_at / 1000.0)"),
    "status = 'SUCCESS'",
)


def installed() -> list[str]:
    """The peers that can run here."""
    return [peer for peer in TARGETS if _is_there(peer)]


def refuse_missing(peers: Sequence[str]) -> None:
    """Raises EmbeddedError for a peer that there is not, or that is not installed."""
    for peer in peers:
        if peer not in TARGETS:
            raise EmbeddedError(f"there is no peer named {peer}; there are {', '.join(TARGETS)}")
        if not _is_there(peer):
            raise EmbeddedError(f"{peer} is not installed: `make peers` (temporal: with Go 1.26 or newer)")


def plan_of(peer: str, plant: Plant) -> Plan:
    """A peer on a new database of its own in the plant's PostgreSQL."""
    return {"usual": _usual, "dbos": _dbos, "temporal": _temporal}[peer](plant)


def _usual(plant: Plant) -> Plan:
    module = "tests.load.peers.usual"
    services = ("inventory", "shipping", "notify", "order")
    return Plan(
        name="usual",
        title="FastStream and ORM",
        python=PYTHON,
        modules={service: (module, service) for service in services},
        feeds=(module, "feed"),
        stages=[
            *_until_shipped("usual"),
            replace(WRITTEN_BACK, asks=[_asked("usual", *_WRITE_BACKS)]),
            replace(ANNOUNCED, asks=[_asked("usual", *_MAILS)]),
        ],
        topics=[
            f"usual.{name}"
            for name in ("order.created", "stock.reserved", "shipment.planned", "parcel.shipped")
        ],
        environment=_database(plant, "usual"),
    )


def _dbos(plant: Plant) -> Plan:
    module = "tests.load.peers.durable"
    return Plan(
        name="dbos",
        title="DBOS",
        python=PYTHON,
        modules={name: (module, "work", name) for name in ("one", "two")},
        feeds=(module, "feed"),
        stages=[*_until_shipped("dbos"), replace(WRITTEN_BACK, asks=[_asked("dbos", *_ENDED)])],
        environment=_database(plant, "dbos"),
    )


def _temporal(plant: Plant) -> Plan:
    module, port = "tests.load.peers.temporal", free_port()
    arguments = [str(TEMPORAL), "server", "start-dev", "--headless", "--ip", LOOPBACK, "--port", str(port)]
    # It keeps its history in memory: a development server has no faster way.
    launch = Launch([*arguments, "--log-level", "error"])

    async def is_ready() -> bool:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(LOOPBACK, port)
            writer.close()
            return True
        return False

    return Plan(
        name="temporal",
        title="Temporal",
        python=PYTHON,
        modules=dict.fromkeys(("one", "two"), (module, "work")),
        feeds=(module, "feed"),
        stages=[*_until_shipped("temporal"), replace(WRITTEN_BACK, asks=[_asked("temporal", *_WRITE_BACKS)])],
        environment={**_database(plant, "temporal"), "BENCH_TEMPORAL": f"{LOOPBACK}:{port}"},
        servers=[Child("temporal-server", lambda: launch, is_ready, ready_timeout_s=STARTS_WITHIN_S)],
    )


def _until_shipped(peer: str) -> list[Stage]:
    return [
        replace(RESERVED, asks=[_asked(peer, *_SHIPMENTS)]),
        replace(SHIPPED, asks=[_asked(peer, *_PARCELS)]),
    ]


def _asked(peer: str, table: str, key: str, at: str, which: str = "true") -> Question:
    return rows(_ROLE, table, key, at, which, database=_name(peer))


def _name(peer: str) -> str:
    return f"bench_{peer}"


def _is_there(peer: str) -> bool:
    return (TEMPORAL if peer == "temporal" else ENVIRONMENT / ".installed").exists()


def _database(plant: Plant, peer: str) -> Mapping[str, str]:
    databases = plant.stack.postgres.databases
    databases.ensure_roles(_ROLE)
    databases.create_database(_name(peer), _ROLE)
    # As its owner: a peer makes its tables by itself.
    return {"BENCH_DATABASE_URL": databases.urls(_name(peer), _ROLE).owner_url}
