"""Writes the contracts in the forms other people's tools read: JSON Schemas and one AsyncAPI 3 document.

`python -m crossdock_contracts.generate [--check]` from the top of the repository. It refuses to write a
schema that breaks the one already there: such a change is a new event version.
"""

import argparse
import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crossdock_contracts.compatibility import breaking_changes
from crossdock_contracts.envelope import Event
from crossdock_contracts.registry import EVENTS
from crossdock_contracts.subscriptions import LISTENS

SCHEMAS = Path("libs/contracts/schemas")
ASYNCAPI = Path("docs/asyncapi.json")

#: The CloudEvents attributes as Kafka headers (CloudEvents 1.0, Kafka protocol binding, binary mode).
_HEADERS = {
    "ce_specversion": "CloudEvents version, 1.0",
    "ce_id": "UUIDv7 of the event; the same id is the same event, however often it is delivered",
    "ce_source": "who says it",
    "ce_type": "which contract the value follows",
    "ce_time": "when it was said, RFC 3339",
    "ce_subject": "what it is about: the record's key",
    "ce_partitionkey": "the record's key",
    "ce_merchantid": "whose order or stock it is",
    "ce_aggregateversion": "counts per publisher and key; a reader keeps the highest",
    "ce_correlationid": "shared by everything that follows from one beginning",
    "ce_logepoch": "which log this is; offsets are compared only within one",
    "content-type": "application/json",
}
_OPTIONAL_HEADERS = {
    "ce_causationid": "the event that led to this one",
    "traceparent": "W3C Trace Context",
}


def schema_of(event: type[Event]) -> dict[str, Any]:
    """The publisher's schema: closed, every field that is always sent is required."""
    schema = event.model_json_schema(mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = event.TYPE
    return schema


def asyncapi() -> dict[str, Any]:
    """Every topic with its message, and for each service what it sends and receives."""
    channels = {
        event.TOPIC: {
            "address": event.TOPIC,
            "messages": {event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}},
            "bindings": {"kafka": {"topic": event.TOPIC, "bindingVersion": "0.5.0"}},
        }
        for event in EVENTS.values()
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Crossdock events",
            "version": "1.0.0",
            "description": "CloudEvents 1.0 in Kafka binary mode. One topic per event type; the key is the "
            "order id, for events about stock and SKUs the SKU.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": dict(_operations()),
        "components": {
            "messages": {event.__name__: _message(event) for event in EVENTS.values()},
            "schemas": {"CloudEventHeaders": _headers()},
        },
    }


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for event in EVENTS.values():
        yield _operation(event.SOURCE.removeprefix("/crossdock/"), "send", event)
    for service, events in LISTENS.items():
        for event in sorted(events, key=lambda one: one.TOPIC):
            yield _operation(service, "receive", event)


def _operation(service: str, action: str, event: type[Event]) -> tuple[str, dict[str, Any]]:
    pointer = event.TOPIC.replace("~", "~0").replace("/", "~1")
    operation: dict[str, Any] = {
        "action": action,
        "channel": {"$ref": f"#/channels/{pointer}"},
        "messages": [{"$ref": f"#/channels/{pointer}/messages/{event.__name__}"}],
        "tags": [{"name": f"{service}-service"}],
    }
    if action == "receive":
        group = {"type": "string", "enum": [service]}
        operation["bindings"] = {"kafka": {"groupId": group, "bindingVersion": "0.5.0"}}
    return f"{service}.{action}.{event.TOPIC}", operation


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.TYPE,
        "title": event.__name__,
        "summary": inspect.cleandoc(event.__doc__ or event.__name__).splitlines()[0],
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/CloudEventHeaders"},
        "payload": _inlined(schema_of(event)),
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
    }


def _headers() -> dict[str, Any]:
    described = {**_HEADERS, **_OPTIONAL_HEADERS}
    return {
        "type": "object",
        "required": sorted(_HEADERS),
        "properties": {name: {"type": "string", "description": text} for name, text in described.items()},
    }


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without `$defs`: inside another document its local references would point nowhere."""
    definitions = schema.pop("$defs", {})

    def put_in(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return put_in(definitions[value["$ref"].removeprefix("#/$defs/")])
            return {name: put_in(one) for name, one in value.items() if name != "$schema"}
        if isinstance(value, list):
            return [put_in(one) for one in value]
        return value

    inlined: dict[str, Any] = put_in(schema)
    return inlined


def files() -> dict[Path, str]:
    """Every generated file with its content, by its path from the top of the repository."""
    written = {SCHEMAS / f"{event.TYPE}.json": _text(schema_of(event)) for event in EVENTS.values()}
    written[ASYNCAPI] = _text(asyncapi())
    return written


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def problems(root: Path) -> list[str]:
    """What is broken (an incompatible change) or stale in the files below `root`, as sentences."""
    found = []
    for path, text in files().items():
        there = root / path
        if not there.exists():
            found.append(f"{path} is missing: run `python -m crossdock_contracts.generate`")
        elif there.read_text() != text:
            if path.is_relative_to(SCHEMAS):
                broken = breaking_changes(json.loads(there.read_text()), json.loads(text))
                found += [f"{path.stem}: {one}: make it a new event version" for one in broken]
            found.append(f"{path} is stale: run `python -m crossdock_contracts.generate`")
    known = {path.name for path in files()}
    found += [
        f"{one.name} has no event any more: an event that was published stays readable"
        for one in sorted((root / SCHEMAS).glob("*.json"))
        if one.name not in known
    ]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m crossdock_contracts.generate", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 when a file is stale or broken"
    )
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the top of the repository")
    arguments = parser.parse_args()
    found = problems(arguments.root)
    broken = [one for one in found if "new event version" in one or "no event any more" in one]
    if arguments.check or broken:
        sys.stderr.writelines(f"{one}\n" for one in (found if arguments.check else broken))
        return 1 if found else 0
    for path, text in files().items():
        (arguments.root / path).parent.mkdir(parents=True, exist_ok=True)
        (arguments.root / path).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
