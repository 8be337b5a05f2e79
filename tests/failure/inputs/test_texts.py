"""Texts that are valid JSON and valid Unicode, and that still nobody wants: in every field there is."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from .asking import Operation, body_of, everything, judge_answer, known_ids, operations, path_names, send
from .members import Running

WITH_TEXT = [one for one in operations() if body_of(one) or one.description.get("parameters")]
#: NUL, half a surrogate pair, what turns a line around, and the longest that nobody forbids.
NASTY = ["a\0b", "\ud800", "\u202e\ufeff", "x" * 20_000, "=cmd|' /C calc'!A0", "'; drop table orders; --"]
NUMBERS = [2**31, 2**63, -(2**63) - 1, 10**400, 1e308, True]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("operation", WITH_TEXT, ids=str)
def test_no_text_and_no_number_breaks_a_service(running: Running, operation: Operation) -> None:
    member = running[operation.service]
    headers = everything(member)
    ids = known_ids(member)
    asked = [
        *({"ids": {**ids, name: text}} for name in path_names(operation) for text in NASTY[:1] + NASTY[2:]),
        *({"query": {name: text}} for name in _query_names(operation) for text in NASTY[:1] + NASTY[2:]),
    ]
    example = body_of(operation)
    if example is not None:
        asked += [{"body": one} for one in _spoiled(example[1])]

    for one in asked:
        answer = send(member, operation, headers, **{"ids": ids, **one})
        judge_answer(
            answer.status_code,
            answer.headers.get("content-type", ""),
            answer.text,
            f"{operation} {one!r:.300}",
        )


def _query_names(operation: Operation) -> list[str]:
    return [one["name"] for one in operation.description.get("parameters", []) if one["in"] == "query"]


def _spoiled(body: Any) -> Iterator[Any]:
    """The body with one of its leaves exchanged, each in turn; a text, with one of its lines."""
    if isinstance(body, str):
        yield from (body.replace("STAND-SLV", one) for one in NASTY if one.isprintable() or "\0" in one)
        return
    nasties: list[Any] = [*NASTY, *NUMBERS, None, [], {}]
    for path in list(_leaves(body)):
        for nasty in nasties:
            spoiled = deepcopy(body)
            place = spoiled
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = nasty
            yield spoiled
    yield from (None, [], "text", 1, {**body, "unknown": json.loads("[" * 500 + "]" * 500)})


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from _leaves(inner, (*path, step))
