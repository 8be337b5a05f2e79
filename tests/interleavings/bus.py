"""Everything that was said, and what of it each service has still to hear: the test is the broker.

Per topic and key the order is kept. Across topics, and across keys, anything goes.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from crossdock_chassis.wire import decode
from crossdock_contracts.envelope import Event

from .members import Died, Member


class Stream(NamedTuple):
    """What keeps its order."""

    topic: str
    key: str


@dataclass(frozen=True, slots=True)
class Said:
    """One row of a publisher's event log."""

    publisher: str
    seq: int
    event: Event

    @property
    def stream(self) -> Stream:
        return Stream(self.event.TOPIC, self.event.key)


@dataclass
class Bus:
    """`waiting`: consumer -> stream -> what it has not heard. `log`: everything, in the order of commits."""

    members: Mapping[str, Member]
    log: list[Said] = field(default_factory=list)
    heard: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    held_back: set[tuple[str, str]] = field(default_factory=set)
    _waiting: dict[str, dict[Stream, deque[Said]]] = field(default_factory=lambda: defaultdict(dict))
    _read: dict[str, int] = field(default_factory=dict)

    async def begin(self) -> None:
        """Leave out what was said before."""
        for name, member in self.members.items():
            (self._read[name],) = await member.column("select coalesce(max(seq), 0) from event_log")

    async def collect(self, name: str) -> None:
        """Read what this publisher has committed since the last look."""
        rows = await self.members[name].rows(
            "select seq, headers, payload from event_log where seq > :seq order by seq", seq=self._read[name]
        )
        for row in rows:
            event = decode(dict(zip(row.headers[::2], row.headers[1::2], strict=True)), bytes(row.payload))
            said = Said(name, row.seq, event)
            self._read[name] = row.seq
            self.log.append(said)
            for consumer, member in self.members.items():
                if type(event) in member.handlers:
                    self._waiting[consumer].setdefault(said.stream, deque()).append(said)

    def hold_back(self, consumer: str, *topics: str) -> None:
        """These topics do not reach the consumer until `let_through`."""
        self.held_back |= {(consumer, topic) for topic in topics}

    def let_through(self) -> None:
        self.held_back.clear()

    def open_streams(self, consumer: str) -> list[Stream]:
        """Streams with something to deliver, the oldest first."""
        return [
            stream
            for stream, waiting in self._waiting[consumer].items()
            if waiting and (consumer, stream.topic) not in self.held_back
        ]

    def behind(self, consumer: str) -> set[str]:
        """Topics of which something is still to be read, held back or not."""
        return {stream.topic for stream, waiting in self._waiting[consumer].items() if waiting}

    @property
    def quiet(self) -> bool:
        return not any(self.open_streams(one) for one in self.members)

    async def deliver(
        self,
        consumer: str,
        picks: Iterable[Stream],
        *,
        again: Sequence[Said] = (),
        dies: bool = False,
    ) -> None:
        """One batch: the next event of each picked stream, after those that come `again`."""
        taken: list[Said] = []
        for stream in picks:
            waiting = self._waiting[consumer][stream]
            if waiting:
                taken.append(waiting.popleft())
        try:
            await self.members[consumer].hear([one.event for one in (*again, *taken)], dies=dies)
        except Died:
            for one in reversed(taken):
                self._waiting[consumer][one.stream].appendleft(one)
            return
        self.heard[consumer] += taken
        await self.collect(consumer)

    async def deliver_waiting(self, consumer: str, *topics: str) -> None:
        """Everything that waits of these topics (of all when none is named), as one batch."""
        picks = [
            stream
            for stream, waiting in self._waiting[consumer].items()
            if (not topics or stream.topic in topics) and (consumer, stream.topic) not in self.held_back
            for _ in waiting
        ]
        if picks:
            await self.deliver(consumer, picks)
