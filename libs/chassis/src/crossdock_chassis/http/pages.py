"""Pages by cursor: the next page begins after the last key of this one, so rows coming in shift nothing."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from crossdock_chassis.http.problems import Problem

MAX_LIMIT = 200
_MAX_CURSOR_CHARS = 1_000

T = TypeVar("T")
Row = TypeVar("Row")


class Page(BaseModel, Generic[T]):
    """Some of the items. `next_cursor` is null on the last page."""

    items: list[T]
    next_cursor: str | None = Field(default=None, description="Hand it back as `cursor` for what follows.")


class Cursor:
    """The last row's key as an opaque string. It grants nothing: a query filters by merchant anyway."""

    @staticmethod
    def encode(key: Sequence[str]) -> str:
        return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode().rstrip("=")

    @staticmethod
    def decode(cursor: str) -> tuple[str, ...]:
        """Raises ValueError."""
        try:
            found = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        except (binascii.Error, UnicodeDecodeError, RecursionError) as error:
            raise ValueError("not a cursor") from error
        if not isinstance(found, list) or not all(isinstance(part, str) for part in found):
            raise ValueError("not a cursor")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What was asked for. `after` is the key the page begins behind; a query fetches `limit + 1` rows."""

    limit: int = 50
    after: tuple[str, ...] | None = None

    def key(self, *parts: Callable[[str], T]) -> tuple[T, ...] | None:
        """`after` with each part read, e.g. `key(datetime.fromisoformat, UUID)`. Raises Problem 400."""
        if self.after is None:
            return None
        try:
            return tuple(read(part) for read, part in zip(parts, self.after, strict=True))
        except ValueError as error:
            raise _invalid_cursor() from error


def page_request(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items at most.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=_MAX_CURSOR_CHARS, description="`next_cursor` of the page before.")
    ] = None,
) -> PageRequest:
    if cursor is None:
        return PageRequest(limit)
    try:
        return PageRequest(limit, Cursor.decode(cursor))
    except ValueError as error:
        raise _invalid_cursor() from error


#: A route's parameter: `paging: Paging`.
Paging = Annotated[PageRequest, Depends(page_request)]


def page_of(
    rows: Sequence[Row],
    asked: PageRequest,
    *,
    item: Callable[[Row], T],
    key: Callable[[Row], Sequence[str]],
) -> Page[T]:
    """A page from up to `limit + 1` rows; the extra row only says that there is more."""
    shown = rows[: asked.limit]
    more = len(rows) > asked.limit
    return Page(
        items=[item(row) for row in shown], next_cursor=Cursor.encode(key(shown[-1])) if more else None
    )


def _invalid_cursor() -> Problem:
    return Problem(400, "invalid-cursor", "The cursor is not one of ours", "Begin again without a cursor.")
