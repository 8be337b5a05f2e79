"""What a run has shown, as plain data: `proof.json`, and what `page` makes a page of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from ..checker import SOMETIMES, Finding, Judgement
from .coverage import Row
from .recovery import Recovery, Times, times_by_kind

#: A shorter run cannot meet everything; what it missed is said and is no failure.
WHOLE_MINUTES = 10.0

INVARIANTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "INV-1": "No acknowledged order is lost, and each reaches its end",
        "INV-2": "A request that is repeated is done once, and answered the same",
        "INV-3": "Nothing is promised that is not there",
        "INV-4": "Stock is conserved: what came in lies there or has left",
        "INV-5": "Each promise ends exactly once",
        "INV-6": "No unit leaves twice, no parcel has two labels",
        "INV-7": "The services agree about every order",
        "INV-8": "Every state follows from the one before it",
        "INV-9": "Every committed event is on its topic",
        "INV-10": "Nothing is on a topic that was not committed",
        "INV-11": "The events of one order come in their order, without a hole",
        "INV-12": "An event takes effect once, however often it is delivered",
        "INV-13": "No offset is committed before its work",
        "INV-14": "Everything comes to rest once the faults are over",
        "INV-15": "What cannot be read rests alone, and holds nobody up",
        "INV-16": "What has to be taken back is taken back, once",
        "INV-17": "Webhooks to others are delivered or given up",
        "INV-18": "Amounts add up, in whole minor units",
        "INV-20": "A client reads what it wrote, and never goes back in time",
        "INV-23": "A shard has one owner at a time",
        "INV-24": "Connections, queues and memory stay within their bounds",
        "INV-25": "Every event leads back to what caused it",
        "ENTRY": "Nobody gets past the doors without a right to",
        "WATCH": "Somebody looked all the time",
    }
)
#: They are only ever found, not counted.
NEVER_COMPARED: Final = frozenset({"ENTRY", "WATCH"})


class Verdict(StrEnum):
    HOLDS = "holds"
    VIOLATED = "violated"
    NOT_SHOWN = "not shown"  # nothing is wrong, and not everything was met
    BROKEN_OFF = "broken off"


@dataclass(slots=True, kw_only=True)
class Hit:
    """One injection. `at_s` is since the traffic began; `recovered_s` None: not within its time."""

    wave: int
    kind: str
    at_s: float
    hit: str
    took_s: float
    recovered_s: float | None = None
    missing: str = ""
    error: str = ""


@dataclass(slots=True, kw_only=True)
class Report:
    """Filled while the run goes on, so that one that is broken off can say what it found so far."""

    seed: int
    minutes: float
    replicas: int
    began_at: datetime
    surroundings: Mapping[str, str]
    seconds: float = 0.0
    finished: bool = False
    traffic: dict[str, int] = field(default_factory=dict)
    kinds_of_orders: dict[str, int] = field(default_factory=dict)
    troubles: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    hits: list[Hit] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    samples: int = 0
    memory_mb: dict[str, float] = field(default_factory=dict)  # role of a service -> the most of a process
    sampled: dict[str, int] = field(default_factory=dict)  # invariant -> things compared under load
    judgement: Judgement | None = None
    sometimes: dict[str, int] = field(default_factory=dict)
    moving: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    coverage: Sequence[Row] = ()
    says: Mapping[str, str] = field(default_factory=dict)  # kind of fault -> what it is

    @property
    def all_findings(self) -> list[Finding]:
        return [*self.findings, *(self.judgement.findings if self.judgement else [])]

    @property
    def unmet(self) -> list[str]:
        """What a whole run must have met and this one did not."""
        events = [one for one in SOMETIMES if not self.sometimes.get(one)]
        return [*events, *(f"{one}: nothing to compare" for one in self._not_judged())]

    def _not_judged(self) -> list[str]:
        if self.judgement is None:
            return []
        judged = self.judgement
        return [
            one
            for one in INVARIANTS
            if one not in NEVER_COMPARED and one not in judged.not_applicable and not self._compared(one)
        ]

    @property
    def verdict(self) -> Verdict:
        if self.all_findings or self.moving:
            return Verdict.VIOLATED
        if not self.finished:
            return Verdict.BROKEN_OFF
        if self.unmet and self.minutes >= WHOLE_MINUTES:
            return Verdict.NOT_SHOWN
        return Verdict.HOLDS

    @property
    def recoveries(self) -> dict[str, Times]:
        return times_by_kind(Recovery(one.kind, one.recovered_s) for one in self.hits if not one.error)

    def as_json(self) -> dict[str, Any]:
        judged = self.judgement or Judgement()
        return {
            "verdict": self.verdict,
            "seed": self.seed,
            "minutes": self.minutes,
            "replicas": self.replicas,
            "began_at": self.began_at.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 1),
            "finished": self.finished,
            "surroundings": dict(self.surroundings),
            "traffic": self.traffic,
            "kinds_of_orders": self.kinds_of_orders,
            "invariants": self._invariants(judged),
            "samples_under_load": self.samples,
            "memory_mb": {role: round(most, 1) for role, most in sorted(self.memory_mb.items())},
            "still_moving": self.moving,
            "sometimes": self.sometimes,
            "not_met": self.unmet if self.finished else [],
            "balances": [asdict(one) | {"holds": one.holds} for one in judged.balances],
            "faults": [self._fault(kind, times) for kind, times in sorted(self.recoveries.items())],
            "hits": [_rounded(one) for one in self.hits],
            "coverage": [asdict(row) | {"injected": self._count(row)} for row in self.coverage],
            "people": self.people,
            "troubles": self.troubles,
            "notes": self.notes,
        }

    def _compared(self, code: str) -> int:
        judged = self.judgement.looked_at.get(code, 0) if self.judgement else 0
        return judged + self.sampled.get(code, 0)

    def _invariants(self, judged: Judgement) -> list[dict[str, Any]]:
        by_code: dict[str, list[str]] = {}
        for one in self.all_findings:
            by_code.setdefault(one.invariant, []).append(one.text)
        codes = [*INVARIANTS, *sorted(set(by_code) - set(INVARIANTS))]
        return [
            {
                "invariant": code,
                "says": INVARIANTS.get(code, ""),
                "compared": self._compared(code),
                "not_applicable": judged.not_applicable.get(code, ""),
                "findings": by_code.get(code, []),
            }
            for code in codes
        ]

    def _fault(self, kind: str, times: Times) -> dict[str, Any]:
        return {
            "kind": kind,
            "says": self.says.get(kind, ""),
            "count": times.count,
            "not_recovered_in_time": times.never,
            "recovery_min_s": _tenths(times.least),
            "recovery_median_s": _tenths(times.middle),
            "recovery_max_s": _tenths(times.most),
        }

    def _count(self, row: Row) -> int:
        return sum(one.kind in row.by and not one.error for one in self.hits)


def never_injected(report: Report, kinds: Iterable[str]) -> list[str]:
    done = {one.kind for one in report.hits if not one.error}
    return sorted(set(kinds) - done)


def _rounded(hit: Hit) -> dict[str, Any]:
    told = asdict(hit)
    return told | {name: _tenths(told[name]) for name in ("at_s", "took_s", "recovered_s")}


def _tenths(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
