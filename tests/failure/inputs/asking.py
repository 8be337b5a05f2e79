"""What may be asked of the services over HTTP, and what every answer has to be."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from crossdock_chassis.http.problems import MEDIA_TYPE, ProblemDocument

from .members import MODULES, SCOPES, Member, description_of
from .seeds import CANARY

#: How many requests are made up per operation and kind; 300 of them find what a night may find.
EXAMPLES: Final = int(os.environ.get("CROSSDOCK_FUZZ_EXAMPLES", "5"))
BOUNDED: Final = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
#: Whatever looks like our insides: traces, SQL, libraries' names.
INSIDES: Final = re.compile(
    r"traceback|file \"|\bselect\b.+\bfrom\b|\binsert into\b|sqlalchemy|asyncpg|pydantic_core|site-packages",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Operation:
    """One operation of one service, as pytest names it."""

    service: str
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.service} {self.method.upper()} {self.path}"

    @property
    def of_the_machinery(self) -> bool:
        """Below /v1/operations: the same routes in every service, and they see all merchants."""
        return self.path.startswith("/v1/operations")

    @property
    def description(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = _description(self.service)["paths"][self.path][self.method]
        return found

    def generated(self) -> APIOperation[Any, Any, Any, Any]:
        """What schemathesis makes requests from."""
        found: APIOperation[Any, Any, Any, Any] = schema_of(self.service)[self.path][self.method.upper()]
        return found


@cache
def _description(service: str) -> dict[str, Any]:
    return description_of(service)


@cache
def schema_of(service: str) -> BaseSchema:
    return schemathesis.openapi.from_dict(_description(service))


def operations() -> Sequence[Operation]:
    """All there are; those of the machinery once."""
    return [
        Operation(service, method, path)
        for service in MODULES
        for path, methods in _description(service)["paths"].items()
        for method in methods
        if service == "order" or not path.startswith("/v1/operations")
    ]


def everything(member: Member) -> dict[str, str]:
    """Headers of somebody who may do all there is in this service."""
    area = SCOPES[member.name]
    return member.token(f"{area}:read", f"{area}:write", "operations:read", "operations:write")


def known_ids(member: Member) -> Mapping[str, str]:
    """Path parameter -> a value that is there, of what the default merchant's lists show."""
    headers = everything(member)
    found: dict[str, str] = {"key": "nobody"}
    for path, methods in _description(member.name)["paths"].items():
        if "get" not in methods or "{" in path or path.endswith(".csv"):
            continue
        answer = requests.get(member.url + path, headers=headers, timeout=20).json()
        for name, value in _leaves(answer):
            if isinstance(value, str) and value:
                found.setdefault(name, value)
    return found


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, name)
    else:
        yield name, value


def ask(member: Member, case: Any, headers: Mapping[str, str]) -> Response:
    """Send what was made up, with these headers above it."""
    response: Response = case.call(base_url=member.url, headers=dict(headers), timeout=20)
    return response


def judge(case: Any, response: Response) -> None:
    """Whatever was asked: an answer as it is described, or a problem that tells nothing of our insides."""
    asked = f"{case.method} {case.formatted_path} {case.query!r} {str(case.body)[:300]!r} {case.headers!r}"
    judge_answer(
        response.status_code, response.headers.get("content-type", [""])[0], response.text or "", asked
    )
    if response.status_code < 400:
        case.validate_response(
            response,
            checks=[status_code_conformance, content_type_conformance, response_schema_conformance],
        )


def judge_answer(status: int, media_type: str, body: str, asked: str) -> None:
    """The part of `judge` that needs no description."""
    told = f"{asked} -> {status} {body[:500]!r}"
    assert status < 500, told
    if status < 400:
        return
    assert media_type == MEDIA_TYPE, told
    assert ProblemDocument.model_validate_json(body).status == status, told
    assert not INSIDES.search(body), told
    assert CANARY.lower() not in body.lower(), told


def examples_of(operation: Operation, media_type: str) -> list[Any]:
    """The examples of the operation's body, its model's too."""
    schema = operation.description["requestBody"]["content"][media_type]["schema"]
    if "$ref" in schema:
        schema = _description(operation.service)["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    found: list[Any] = schema.get("examples", [])
    return found


def body_of(operation: Operation) -> tuple[str, Any] | None:
    """A media type the operation takes, and a body of it that it would take."""
    body = operation.description.get("requestBody")
    if body is None:
        return None
    media_type = next(iter(body["content"]))
    return media_type, examples_of(operation, media_type)[0]


def path_names(operation: Operation) -> list[str]:
    return [one["name"] for one in operation.description.get("parameters", []) if one["in"] == "path"]


def send(
    member: Member,
    operation: Operation,
    headers: Mapping[str, str],
    *,
    ids: Mapping[str, str],
    body: Any = None,
    query: Mapping[str, str] | None = None,
) -> requests.Response:
    """Ask with these ids in the path, and with the example for a body unless another is given."""
    path = operation.path
    for name in path_names(operation):
        path = path.replace(f"{{{name}}}", quote(ids.get(name, str(uuid4())), safe=""))
    content: dict[str, Any] = {}
    if (example := body_of(operation)) is not None:
        media_type, shown = example
        given = shown if body is None else body
        content["data"] = given.encode() if isinstance(given, str) else json.dumps(given)
        headers = {**headers, "Content-Type": media_type}
    return requests.request(
        operation.method.upper(), member.url + path, headers=headers, params=query, timeout=20, **content
    )
