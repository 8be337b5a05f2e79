"""Everything that was said, and what of it each service has still to hear: the test is the broker.

Per topic and key the order is kept. Across topics, and across keys, anything goes.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

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
    stalled: set[str] = field(default_factory=set)
    _outbox: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    _waiting: dict[str, dict[Stream, deque[Said]]] = field(default_factory=lambda: defaultdict(dict))
    _read: dict[str, int] = field(default_factory=dict)

    async def begin(self) -> None:
        """Leave out what was said before."""
        for name, member in self.members.items():
            self._read[name] = await member.last_published()

    async def collect(self, name: str) -> None:
        """Read what this publisher has committed since the last look, and send it on unless that stalls."""
        for seq, event in await self.members[name].published(self._read[name]):
            said = Said(name, seq, event)
            self._read[name] = seq
            self.log.append(said)
            self._outbox[name].append(said)
        if name not in self.stalled:
            self._relay(name)

    def _relay(self, name: str) -> None:
        for said in self._outbox.pop(name, ()):
            for consumer, member in self.members.items():
                if type(said.event) in member.handlers:
                    self._waiting[consumer].setdefault(said.stream, deque()).append(said)

    def stall(self, publisher: str) -> None:
        """What it commits stays in its outbox, where no consumer can know of it, until `go_on`."""
        self.stalled.add(publisher)

    def go_on(self) -> None:
        self.stalled.clear()
        for name in list(self._outbox):
            self._relay(name)

    def hold_back(self, consumer: str, *topics: str) -> None:
        """These topics do not reach the consumer until `let_through`."""
        self.held_back |= {(consumer, topic) for topic in topics}

    def let_through(self) -> None:
        self.held_back.clear()

    def turn_around(self, consumer: str) -> None:
        """What waits comes in the opposite order, within a topic and key too: as from two partitions."""
        for stream, waiting in self._waiting[consumer].items():
            self._waiting[consumer][stream] = deque(reversed(waiting))

    def read_again(self, consumer: str) -> None:
        """Everything that was ever said waits for the consumer once more."""
        self._waiting[consumer].clear()
        for said in self.log:
            if type(said.event) in self.members[consumer].handlers:
                self._waiting[consumer].setdefault(said.stream, deque()).append(said)

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
        forgets: bool = False,
    ) -> None:
        """One batch: the next event of each picked stream, after those that come `again`.

        `dies`: before its commit; `forgets`: after it, so that the same events come once more.
        """
        taken: list[Said] = []
        for stream in picks:
            waiting = self._waiting[consumer][stream]
            if waiting:
                taken.append(waiting.popleft())
        try:
            await self.members[consumer].hear([one.event for one in (*again, *taken)], dies=dies)
        except Died:
            self._put_back(consumer, taken)
            return
        if forgets:
            self._put_back(consumer, taken)
        else:
            self.heard[consumer] += taken
        await self.collect(consumer)

    def _put_back(self, consumer: str, taken: Sequence[Said]) -> None:
        for one in reversed(taken):
            self._waiting[consumer][one.stream].appendleft(one)

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
