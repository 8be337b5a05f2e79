"""INV-9, INV-10, INV-11: what was committed is on its topic, nothing else is, and in its order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from .evidence import PUBLISHER, Evidence, Logged, is_dead_letter
from .topics import Headers, Record, whole_number
from .verdict import Judgement

_TRACING = frozenset({"traceparent", "tracestate"})

#: (topic, key, payload, headers): what must be equal. Tracing is compared with the causes.
_Content = tuple[str, str | None, bytes, Headers]


def judge_publishing(evidence: Evidence, judgement: Judgement) -> None:
    _complete(evidence, judgement)
    _no_ghosts(evidence, judgement)
    _versions(evidence, judgement)


def _content(one: Logged | Record) -> _Content:
    headers = tuple(pair for pair in one.headers if pair[0] not in _TRACING)
    return one.topic, one.key, one.payload_sha256, headers


def _complete(evidence: Evidence, judgement: Judgement) -> None:
    """INV-9: under the epoch in which its publisher writes now, as a rebuild repeats everything."""
    there = {
        _content(one)
        for one in evidence.ours
        if one.epoch == evidence.epochs.get(PUBLISHER.get(one.topic, ""), 0)
    }
    rows = missing = 0
    for row in evidence.events:
        rows += 1
        if _content(row) not in there:
            missing += 1
            judgement.found(
                "INV-9",
                f"{row.service}'s event {row.event_id} (seq {row.seq}, key {row.key}) is not on {row.topic} "
                f"in epoch {evidence.epochs[row.service]}",
            )
    judgement.looked("INV-9", rows)
    judgement.balance("INV-9", "events committed and on their topics", rows, rows - missing)


def _no_ghosts(evidence: Evidence, judgement: Judgement) -> None:
    """INV-10, over every epoch: also what an older log held was committed first."""
    committed = {_content(row) for row in evidence.events}
    ids = {(row.topic, row.event_id) for row in evidence.events}
    looked = 0
    for record in evidence.ours:
        looked += 1
        if _content(record) in committed:
            continue
        event_id = record.header("ce_id")
        known = (record.topic, event_id) in ids
        judgement.found(
            "INV-10",
            f"record {record.place} (ce_id {event_id}, key {record.key}) "
            + ("differs from the committed row of its event" if known else "was never committed by anybody"),
        )
    judgement.looked("INV-10", looked)


class Order:
    """INV-11 as records come in: on each topic the first occurrences of a key's versions rise.

    A version that was there before is a repetition. Each epoch is a log of its own, and so is each partition:
    a key moves to another one when a topic gets more of them.
    """

    def __init__(self) -> None:
        self._highest: dict[tuple[str, int, str, str, int], int] = {}
        self._seen: defaultdict[tuple[str, str, int], set[int]] = defaultdict(set)
        self._first: set[tuple[str, int, str, str, int, int]] = set()
        self.looked = 0

    def see(self, record: Record) -> str | None:
        """Take a record of ours in. Returns what is wrong with it."""
        publisher = PUBLISHER.get(record.topic)
        number = whole_number(record.header("ce_aggregateversion"))
        if publisher is None or is_dead_letter(record.topic) or number is None:
            return None
        if record.key is None or record.epoch is None:
            return None
        self.looked += 1
        merchant = record.header("ce_merchantid") or ""
        stream = (publisher, f"{merchant}/{record.key}", record.epoch)
        place = (record.topic, record.partition, *stream)
        if (*place, number) in self._first:
            return None
        self._first.add((*place, number))
        self._seen[stream].add(number)
        before = self._highest.get(place, 0)
        self._highest[place] = max(before, number)
        if number < before:
            return (
                f"{record.topic} tells version {number} of {record.key} for the first time behind version "
                f"{before} ({record.place}, epoch {record.epoch})"
            )
        return None

    def holes(self, epochs: Mapping[str, int]) -> Iterable[str]:
        """Versions that nobody told, over the union of each publisher's topics. For a log that is whole."""
        for (publisher, key, epoch), versions in self._seen.items():
            if epoch != epochs.get(publisher):
                continue
            missing = set(range(1, max(versions) + 1)) - versions
            if missing:
                yield (
                    f"{publisher} told versions up to {max(versions)} of {key}, "
                    f"and never {sorted(missing)[:10]}"
                )


def _versions(evidence: Evidence, judgement: Judgement) -> None:
    order = Order()
    for record in evidence.ours:
        wrong = order.see(record)
        if wrong is not None:
            judgement.found("INV-11", wrong)
    for hole in order.holes(evidence.epochs):
        judgement.found("INV-11", hole)
    judgement.looked("INV-11", order.looked)
