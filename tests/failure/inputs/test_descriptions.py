"""What the services say of themselves is whole: nobody has to read their code to call them."""

from typing import Any

import jsonschema
import pytest

from crossdock_chassis.http.problems import MEDIA_TYPE

from .asking import Operation, examples_of, operations, schema_of

EVERY = pytest.mark.parametrize("operation", operations(), ids=str)


@EVERY
def test_an_operation_says_what_it_does_and_who_may(operation: Operation) -> None:
    told = operation.description

    assert told["tags"]
    assert told["description"]
    assert told["description"].replace("\n", " ").startswith(told["summary"])
    (token,) = told["security"]
    (scope,) = token["token"]
    assert scope.endswith((":read", ":write"))
    assert not (operation.method == "get" and scope.endswith(":write"))


@EVERY
def test_an_operation_names_the_problems_it_answers_with(operation: Operation) -> None:
    told = operation.description
    answers = told["responses"]
    places = {one["in"] for one in told.get("parameters", [])}

    problems = {one for one in answers if one[0] not in "23"}
    assert {"401", "403", "default"} <= problems
    assert "path" not in places or "404" in problems
    assert "requestBody" not in told or "422" in problems
    assert all(answers[one]["content"].keys() == {MEDIA_TYPE} for one in problems)


@EVERY
def test_a_body_has_an_example_that_would_be_taken(operation: Operation) -> None:
    body = operation.description.get("requestBody")
    if body is None:
        return
    whole = schema_of(operation.service).raw_schema

    for media_type, content in body["content"].items():
        examples = examples_of(operation, media_type)
        assert examples
        for one in examples:
            _validate(one, content["schema"], whole)


def _validate(value: Any, schema: dict[str, Any], whole: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator({**whole, **schema}).validate(value)
