"""One order's rows in a service's database, taken as a pattern to write the same rows for other orders."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
#: A time so near to the pattern's own is the time of writing; others, such as deadlines, stay.
_NOW_WITHIN = timedelta(minutes=30)
#: A UUIDv7 begins with its time: 48 bits of milliseconds.
_BEHIND_TIME = (1 << 80) - 1
_COLUMNS = """
    select attname from pg_attribute
    where attrelid = $1::regclass and attnum > 0 and not attisdropped
        and attidentity = '' and attgenerated = ''
    order by attnum
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """A row as it was found. `step`: when a service writes it."""

    step: str
    table: str
    values: Mapping[str, Any]


class Copy(dict[str, str]):
    """What stands in another order in place of each text of the pattern.

    Ids differ from the pattern's by the same bits as the order's id does: every service comes to the same
    ids without being told them. Their time is that of the order's id, so that later ones are larger.
    """

    def __init__(self, pattern: UUID, order_id: UUID, texts: Mapping[str, str], now: datetime) -> None:
        super().__init__(texts)
        self._time = order_id.int & ~_BEHIND_TIME
        self._bits = (pattern.int ^ order_id.int) & _BEHIND_TIME
        self.now = now

    def __missing__(self, text: str) -> str:
        new = self[text] = str(self.id(UUID(text)))
        return new

    def id(self, pattern: UUID) -> UUID:
        return UUID(int=self._time | ((pattern.int & _BEHIND_TIME) ^ self._bits))


@dataclass(frozen=True, slots=True)
class _Text:
    """A text with names of the pattern's ids and texts in it, for the operator %."""

    form: str

    def of(self, copy: Copy) -> str:
        return self.form % copy


@dataclass(frozen=True, slots=True)
class _Bytes:
    form: str

    def of(self, copy: Copy) -> bytes:
        return (self.form % copy).encode()


@dataclass(frozen=True, slots=True)
class _Texts:
    forms: tuple[str, ...]

    def of(self, copy: Copy) -> list[str]:
        return [form % copy for form in self.forms]


@dataclass(frozen=True, slots=True)
class _Id:
    pattern: UUID

    def of(self, copy: Copy) -> UUID:
        return copy.id(self.pattern)


@dataclass(frozen=True, slots=True)
class _Now:
    def of(self, copy: Copy) -> datetime:
        return copy.now


_Changing = _Text | _Bytes | _Texts | _Id | _Now


@dataclass(frozen=True, slots=True)
class Row:
    """`changing`: place in `values` -> what stands there for another order."""

    table: str
    columns: tuple[str, ...]
    values: tuple[Any, ...] = field(repr=False)
    changing: tuple[tuple[int, _Changing], ...] = field(repr=False)

    def of(self, copy: Copy) -> list[Any]:
        """The row as another order has it, in the order of `columns`."""
        record = list(self.values)
        for place, value in self.changing:
            record[place] = value.of(copy)
        return record

    def part(self, columns: tuple[str, ...]) -> "Row":
        """Of these columns alone."""
        places = [self.columns.index(name) for name in columns]
        changing = dict(self.changing)
        return Row(
            self.table,
            columns,
            tuple(self.values[place] for place in places),
            tuple((new, changing[old]) for new, old in enumerate(places) if old in changing),
        )


@dataclass(frozen=True, slots=True)
class Likeness:
    """All that a service writes for an order. `rows`: step -> what it leaves behind; `texts`: name -> the
    pattern's text of that name, which every order has one of its own for.
    """

    order_id: UUID
    texts: Mapping[str, str]
    rows: Mapping[str, Sequence[Row]]
    _parts: dict[tuple[str, str, tuple[str, ...]], Sequence[Row]] = field(default_factory=dict, repr=False)

    def part(self, step: str, table: str, columns: tuple[str, ...]) -> Sequence[Row]:
        """These columns of the rows that the step writes to the table."""
        found = self._parts.get((step, table, columns))
        if found is None:
            rows = [row.part(columns) for row in self.rows[step] if row.table == table]
            found = self._parts[step, table, columns] = rows
        return found

    def copy(self, order_id: UUID, texts: Mapping[str, str], now: datetime) -> Copy:
        """`texts`: name -> the order's own; those not given stay as the pattern's."""
        own = {name: texts.get(name, text) for name, text in self.texts.items()}
        return Copy(self.order_id, order_id, own, now)


def likeness(order_id: UUID, texts: Mapping[str, str], rows: Iterable[Taken], foreign: str) -> Likeness:
    """`foreign`: text of another order's rows; ids that are in it too, such as a rule's, are nobody's own."""
    shared = set(_UUID.findall(foreign))
    at = datetime.now().astimezone()
    found: dict[str, list[Row]] = {}
    for row in rows:
        values = [_changing(value, texts, shared, at) for value in row.values.values()]
        found.setdefault(row.step, []).append(
            Row(
                row.table,
                tuple(row.values),
                tuple(row.values.values()),
                tuple((place, value) for place, value in enumerate(values) if value is not None),
            )
        )
    return Likeness(order_id, texts, found)


async def columns_of(connection: asyncpg.Connection, table: str) -> list[str]:
    """Those that are written; the database fills the others by itself."""
    return [row["attname"] for row in await connection.fetch(_COLUMNS, table)]


def _changing(value: object, texts: Mapping[str, str], shared: set[str], at: datetime) -> _Changing | None:
    """What of a value another order has otherwise; None: nothing."""
    match value:
        case UUID():
            return None if str(value) in shared else _Id(UUID(int=value.int))
        case datetime():
            return _Now() if abs(at - value) < _NOW_WITHIN else None
        case str():
            form = _form(value, texts, shared)
            return None if form is None else _Text(form)
        case bytes():
            return _of_bytes(value, texts, shared)
        case [*elements]:
            return _of_texts([one for one in elements if isinstance(one, str)], texts, shared)
        case _:
            return None


def _of_texts(value: Sequence[str], texts: Mapping[str, str], shared: set[str]) -> _Texts | None:
    forms = [_form(one, texts, shared) for one in value]
    if all(form is None for form in forms):
        return None
    return _Texts(
        tuple(_escaped(one) if form is None else form for one, form in zip(value, forms, strict=True))
    )


def _of_bytes(value: bytes, texts: Mapping[str, str], shared: set[str]) -> _Bytes | None:
    try:
        form = _form(value.decode(), texts, shared)
    except UnicodeDecodeError:  # a file, not a message
        return None
    return None if form is None else _Bytes(form)


def _form(text: str, texts: Mapping[str, str], shared: set[str]) -> str | None:
    """The text for %, every id and text of the pattern by its name; None when there is none in it."""
    named = {given: name for name, given in texts.items() if given}
    finds = re.compile("|".join([_UUID.pattern, *map(re.escape, sorted(named, key=len, reverse=True))]))
    pieces: list[str] = []
    end = 0
    for found in finds.finditer(text):
        if found[0] in shared:
            continue
        pieces += (_escaped(text[end : found.start()]), f"%({named.get(found[0], found[0])})s")
        end = found.end()
    return "".join([*pieces, _escaped(text[end:])]) if pieces else None


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
