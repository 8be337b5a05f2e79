"""The contracts as files: nothing stale, nothing broken, every sample readable."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from crossdock_contracts.compatibility import breaking_changes
from crossdock_contracts.generate import SCHEMAS, asyncapi, problems, schema_of
from crossdock_contracts.orders import OrderCreatedV1
from crossdock_contracts.privacy import REDACTED, redact
from crossdock_contracts.registry import EVENTS
from crossdock_contracts.samples import META, sample, sample_bytes

ROOT = Path(__file__).parents[3]
TYPES = sorted(EVENTS)


def test_the_committed_schemas_and_the_asyncapi_document_are_what_the_models_say() -> None:
    assert problems(ROOT) == []


def test_a_stale_schema_is_noticed(tmp_path: Path) -> None:
    committed = tmp_path / SCHEMAS / "crossdock.order.created.v1.json"
    committed.parent.mkdir(parents=True)
    committed.write_text(json.dumps(schema_of(OrderCreatedV1) | {"description": "as it was"}))

    found = problems(tmp_path)

    assert any(one.startswith(f"{SCHEMAS / 'crossdock.order.created.v1.json'} is stale") for one in found)


def test_an_event_that_was_published_cannot_be_dropped(tmp_path: Path) -> None:
    (tmp_path / SCHEMAS).mkdir(parents=True)
    (tmp_path / SCHEMAS / "crossdock.order.forgotten.v1.json").write_text("{}")

    assert any("crossdock.order.forgotten.v1.json has no event any more" in one for one in problems(tmp_path))


def changed(edit: str) -> tuple[dict[str, Any], dict[str, Any]]:
    old = schema_of(OrderCreatedV1)
    new = deepcopy(old)
    line = new["$defs"]["OrderLine"]
    match edit:
        case "a field goes":
            del line["properties"]["units"]
        case "a type changes":
            line["properties"]["units"]["type"] = "string"
        case "a field becomes required":
            line["required"].append("kit")
        case "a field is no longer always there":
            line["required"].remove("units")
        case "an enum loses a value":
            new["$defs"]["FulfilmentPolicy"]["enum"].remove("split")
        case "a bound tightens":
            line["properties"]["title"]["maxLength"] = 10
        case "a choice is added":
            line["properties"]["sku"]["anyOf"].append({"type": "integer"})
        case "a pattern changes":
            new["$defs"]["Money"]["properties"]["currency"]["pattern"] = "^[a-z]{3}$"
        case "an optional field comes":
            line["properties"]["colour"] = {"type": "string"}
        case "an enum gains a value":
            new["$defs"]["HoldReason"]["enum"].append("sanctions")
    return old, new


@pytest.mark.parametrize(
    "edit",
    [
        "a field goes",
        "a type changes",
        "a field becomes required",
        "a field is no longer always there",
        "an enum loses a value",
        "a bound tightens",
        "a choice is added",
        "a pattern changes",
        "an enum gains a value",
    ],
)
def test_a_change_that_breaks_a_reader_is_refused(edit: str) -> None:
    old, new = changed(edit)

    assert breaking_changes(old, new) != []


def test_a_new_optional_field_is_no_break() -> None:
    old, new = changed("an optional field comes")

    assert breaking_changes(old, new) == []


@pytest.mark.parametrize("event_type", TYPES)
def test_every_event_has_a_sample_that_keeps_to_its_schema_and_can_be_read(event_type: str) -> None:
    value = json.loads(sample_bytes(event_type))

    jsonschema.validate(value, schema_of(EVENTS[event_type]), format_checker=jsonschema.FormatChecker())

    assert json.loads(sample(event_type).model_dump_json()) == value


@pytest.mark.parametrize("event_type", TYPES)
def test_a_reader_ignores_fields_that_a_newer_publisher_adds(event_type: str) -> None:
    value = json.loads(sample_bytes(event_type))
    value["added_later"] = {"by": "a newer publisher"}
    value["actor"]["added_later"] = True

    read = EVENTS[event_type].read(json.dumps(value).encode(), META)

    assert read == sample(event_type)


def test_a_publisher_cannot_say_what_the_contract_does_not_know() -> None:
    value = json.loads(sample_bytes("crossdock.order.created.v1"))
    value["lines"][0]["colour"] = "silver"

    with pytest.raises(ValidationError, match="colour"):
        OrderCreatedV1.model_validate(value)


def test_whatever_shows_an_event_can_leave_the_persons_out() -> None:
    shown = redact(sample("crossdock.order.created.v1"))

    assert shown["consignee"] == shown["buyer"] == REDACTED
    assert "Beispiel" not in json.dumps(shown, ensure_ascii=False)
    assert shown["order_number"] == "#1042"


@pytest.mark.parametrize("event_type", [one for one in TYPES if not one.startswith("crossdock.order.")])
def test_only_the_orders_own_snapshots_carry_personal_data(event_type: str) -> None:
    shown = redact(sample(event_type))

    assert REDACTED not in json.dumps(shown)


def test_every_received_event_is_sent_by_exactly_one_service() -> None:
    operations = asyncapi()["operations"].values()
    sent = [one["channel"]["$ref"] for one in operations if one["action"] == "send"]
    received = {one["channel"]["$ref"] for one in operations if one["action"] == "receive"}

    assert len(sent) == len(set(sent))
    assert received <= set(sent)
