"""Everything the services say they have published, next to everything that lies on the topics."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crossdock_contracts.registry import EVENTS

from ..history import History, Injected
from .sources import SERVICES, Sources
from .topics import Headers, Record, kept, open_tail

#: topic -> the service that publishes it, dead-letter topics among them.
PUBLISHER: Mapping[str, str] = {
    **{event.TOPIC: event.SOURCE.rpartition("/")[2] for event in EVENTS.values()},
    **{f"{service}.dlq": service for service in SERVICES},
}


def is_dead_letter(topic: str) -> bool:
    return topic.endswith(".dlq")


@dataclass(frozen=True, slots=True)
class Logged:
    """A row of a service's event log: what was committed to be said."""

    service: str
    event_id: str
    seq: int
    topic: str
    key: str
    headers: Headers
    payload_sha256: bytes

    def header(self, name: str) -> str | None:
        return next((value for found, value in self.headers if found == name), None)


@dataclass(frozen=True, slots=True)
class Evidence:
    logged: Mapping[str, list[Logged]]  # by service, in the order of their numbers
    records: list[Record]  # each partition's in order
    injected: frozenset[tuple[str, int, int]]  # places of records that the proof itself produced
    ends: Mapping[tuple[str, int], int]
    epochs: Mapping[str, int]  # by service: under which it writes its log now

    @property
    def events(self) -> Iterable[Logged]:
        return (one for rows in self.logged.values() for one in rows)

    @property
    def ours(self) -> Iterable[Record]:
        """What the services have produced."""
        return (one for one in self.records if one.at not in self.injected)


async def gather(sources: Sources, history: History) -> Evidence:
    logged = {service: await _logged(sources, service) for service in SERVICES}
    epochs = {
        service: int(await sources.value(service, "select epoch from log_epoch")) for service in SERVICES
    }
    async with open_tail(sources.system) as tail:
        records = [one async for one in tail.more()]
        ends = await tail.ends()
    return Evidence(logged, records, _injected(records, history.injected), ends, epochs)


async def _logged(sources: Sources, service: str) -> list[Logged]:
    rows = await sources.rows(
        service,
        "select event_id::text, seq, topic, key, headers, sha256(payload) as payload"
        " from event_log order by seq",
    )
    return [
        Logged(
            service,
            row["event_id"],
            row["seq"],
            row["topic"],
            row["key"],
            kept(zip(row["headers"][0::2], row["headers"][1::2], strict=True)),
            row["payload"],
        )
        for row in rows
    ]


def _injected(records: Iterable[Record], injected: Iterable[Injected]) -> frozenset[tuple[str, int, int]]:
    known = {(one.topic, one.partition, one.offset) for one in injected if one.offset is not None}
    unsure: defaultdict[tuple[str, str | None], set[str | None]] = defaultdict(set)
    for one in injected:
        if one.offset is None and one.poison:
            unsure[one.topic, one.key].add(one.event_id)
    for record in records:
        if record.header("ce_id") in unsure.get((record.topic, record.key), ()):
            known.add(record.at)
    return frozenset(known)
