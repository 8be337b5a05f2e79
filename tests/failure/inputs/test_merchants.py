"""Two merchants in one installation: neither sees nor changes what is the other's."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from .asking import Operation, body_of, judge_answer, known_ids, operations, path_names, send
from .members import MODULES, Member, Running
from .seeds import CANARY

EACH = pytest.mark.parametrize("name", MODULES)
#: What a merchant makes for itself under a name of its own choice; the other's of that name stays.
MADE_BY_NAME = {"put /v1/accounts/{account}", "put /v1/warehouses/{code}", "put /v1/skus/{sku}"} | {
    "put /v1/profiles/{account}"
}
#: The same for everybody.
COMMON = {
    *("/v1/templates", "/v1/templates/{template}/preview"),
    *("/v1/carrier-accounts", "/v1/platforms"),
}

FILTERS = {"order_id", "order_number", "shipment_id", "account", "sku", "warehouse"}


def _of(name: str) -> list[Operation]:
    return [
        one
        for one in operations()
        if one.service == name and not one.of_the_machinery and one.path not in COMMON
    ]


def _rows_of(member: Member, merchant: str) -> Mapping[str, list[str]]:
    """Table -> every row of this merchant, as text."""
    tables = member.rows(
        "select table_name from information_schema.columns where table_schema = 'public'"
        " and column_name = 'merchant_id' and table_name not like '%\\_p20%' order by 1"
    )
    return {
        table: sorted(
            row[0] for row in member.rows(f"select t::text from {table} t where merchant_id = :m", m=merchant)
        )
        for (table,) in tables
    }


@EACH
def test_what_is_another_merchants_is_not_there(running: Running, name: str) -> None:
    member = running[name]
    ids = known_ids(member)
    theirs = member.token(merchant="another")
    before = _rows_of(member, "default")
    assert any(before.values())

    for operation in sorted(_of(name), key=lambda one: str(one).partition(" ")[2].lower() in MADE_BY_NAME):
        answer = send(member, operation, theirs, ids=ids)
        told = f"{operation} -> {answer.status_code} {answer.text[:300]}"
        judge_answer(answer.status_code, answer.headers.get("content-type", ""), answer.text, told)
        if path_names(operation) and f"{operation.method} {operation.path}" not in MADE_BY_NAME:
            assert answer.status_code == 404, told
        assert CANARY.lower() not in answer.text.lower(), told

    assert _rows_of(member, "default") == before


@EACH
def test_ids_of_another_merchant_find_nothing_in_bodies_and_filters(running: Running, name: str) -> None:
    member = running[name]
    ids = known_ids(member)
    fresh = member.token(merchant="a-third")
    before = _rows_of(member, "default")

    for operation in _of(name):
        parameters = operation.description.get("parameters", [])
        asked = {one["name"] for one in parameters if one["in"] == "query"}
        query = {one: ids[one] for one in asked & FILTERS & ids.keys()}
        body = body_of(operation)
        if operation.method == "get" and not path_names(operation):
            answer = send(member, operation, fresh, ids=ids, query=query)
            nothing = answer.status_code in {404, 409} or _is_empty(answer.text)
            assert nothing, f"{operation} {query} -> {answer.status_code} {answer.text[:300]}"
        elif body is not None and isinstance(body[1], dict) and (named := _naming(body[1], operation, ids)):
            answer = send(member, operation, fresh, ids=ids, body=named)
            assert answer.status_code in {404, 409} or _refused(answer.text), (
                f"{operation} {named} -> {answer.status_code} {answer.text[:300]}"
            )

    assert _rows_of(member, "default") == before


def _naming(body: dict[str, Any], operation: Operation, ids: Mapping[str, str]) -> dict[str, Any] | None:
    """The body with the other merchant's ids wherever its fields ask for one; None where none does."""
    schema = operation.generated().schema.raw_schema["components"]["schemas"]
    reference = operation.description["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    fields = schema[reference.rpartition("/")[2]]["properties"]
    names = fields.keys() & ids.keys() & {"order_id", "shipment_id", "warehouse"}
    single: dict[str, Any] = {one: ids[one] for one in names}
    if "shipment_ids" in fields:
        single["shipment_ids"] = [ids["shipment_id"]]
    if not single:
        return None
    left = {key: value for key, value in body.items() if key != "sample"}
    return left | single


def _is_empty(text: str) -> bool:
    if not text.startswith(("{", "[")):
        return len(text.strip().splitlines()) == 1  # the header of a CSV
    answer = json.loads(text)
    return not (answer["items"] if isinstance(answer, dict) else answer)


def _refused(text: str) -> bool:
    """Answered one by one: each says why not."""
    results = json.loads(text).get("results", [])
    return bool(results) and all(one["refused"] for one in results)
