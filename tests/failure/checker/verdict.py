"""What judging a system comes to."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that must hold and does not. Ids and numbers, never anybody's name or address."""

    invariant: str  # "INV-4"
    text: str


@dataclass(frozen=True, slots=True)
class Balance:
    """Two books that must say the same."""

    name: str
    expected: int
    seen: int

    @property
    def holds(self) -> bool:
        return self.expected == self.seen


@dataclass(slots=True)
class Judgement:
    """`looked_at`: invariant -> how many things were compared; 0 counts as not judged at all."""

    findings: list[Finding] = field(default_factory=list)
    looked_at: dict[str, int] = field(default_factory=dict)
    not_applicable: dict[str, str] = field(default_factory=dict)
    balances: list[Balance] = field(default_factory=list)

    def looked(self, invariant: str, things: int) -> None:
        self.looked_at[invariant] = self.looked_at.get(invariant, 0) + things

    def found(self, invariant: str, text: str) -> None:
        self.findings.append(Finding(invariant, text))

    def balance(self, invariant: str, name: str, expected: int, seen: int) -> None:
        """Two books; a difference is a finding as well."""
        self.balances.append(Balance(name, expected, seen))
        if expected != seen:
            self.found(invariant, f"{name}: expected {expected}, seen {seen}")

    def by_invariant(self) -> Counter[str]:
        return Counter(one.invariant for one in self.findings)
