"""Misbehaviour on demand: rules that the next matching calls run into."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from crossdock_sandbox.books import Books

HANG_S = 60.0


class Mode(StrEnum):
    ERROR_500 = "error_500"  # nothing is done, the platform's own 500 comes back
    THROTTLE = "throttle"  # nothing is done, the platform's own "slow down"
    HANG = "hang"  # nothing is done and nothing is ever said; the connection drops after delay_s
    ANSWER_LATE = "answer_late"  # done at once, said after delay_s
    DO_THEN_DROP = "do_then_drop_connection"  # done, and the connection is reset before a byte of the answer
    REFUSE = "refuse"  # nothing is done, a business refusal in the platform's own form


class Rule(BaseModel):
    """As given to `PUT /_sandbox/faults`."""

    model_config = ConfigDict(extra="forbid")

    operation: str = Field(default="*", min_length=1, max_length=100)  # "*" means every operation
    mode: Mode
    times: int | None = Field(default=None, ge=1, le=1_000_000)  # None: until the rules are cleared
    delay_s: float | None = Field(default=None, ge=0, le=600)
    match: str | None = Field(default=None, min_length=1, max_length=200)  # text the request must contain


@dataclass(frozen=True, slots=True)
class Fault:
    mode: Mode
    delay_s: float


class Faults:
    """The rules in force, oldest first; they live in the books and survive a restart."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def replace(self, rules: list[Rule]) -> None:
        with self._books.transaction():
            self._books.execute("DELETE FROM faults")
            for rule in rules:
                self._books.execute(
                    "INSERT INTO faults (operation, mode, times, delay_s, match) VALUES (?, ?, ?, ?, ?)",
                    (rule.operation, rule.mode.value, rule.times, rule.delay_s, rule.match),
                )

    def listed(self) -> list[dict[str, object]]:
        """Every rule with how often it fired; a rule is spent once `fired` has reached `times`."""
        return [dict(row) for row in self._books.all("SELECT * FROM faults ORDER BY id")]

    def take(self, operation: str, request_text: str) -> Fault | None:
        """The first rule that fits, counted as fired; None when nothing is to go wrong."""
        rows = self._books.all(
            "SELECT id, mode, delay_s, match FROM faults WHERE operation IN ('*', ?)"
            " AND (times IS NULL OR fired < times) ORDER BY id",
            (operation,),
        )
        for row in rows:
            if row["match"] is None or row["match"].casefold() in request_text.casefold():
                self._books.execute("UPDATE faults SET fired = fired + 1 WHERE id = ?", (row["id"],))
                mode = Mode(row["mode"])
                default_s = HANG_S if mode is Mode.HANG else 1.0
                return Fault(mode, default_s if row["delay_s"] is None else row["delay_s"])
        return None
