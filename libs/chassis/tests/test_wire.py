"""What cannot be read is told without a word of what a stranger put into it."""

from uuid import uuid4

import pytest

from crossdock_chassis.wire import UnreadableRecord, as_mapping, decode, encode
from crossdock_contracts.envelope import Cause
from crossdock_contracts.samples import META, sample

WIRE = encode(sample("crossdock.stock.released.v1"), event_id=uuid4(), at=META.time, cause=Cause())
HEADERS = dict(zip(WIRE.headers[::2], WIRE.headers[1::2], strict=True))


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"ce_type": "crossdock.stock.released.v9"}, "the type 'crossdock.stock.released.v9' is unknown"),
        ({"ce_type": "Jane Roe, 5 Elm Street"}, "the type of 22 characters is unknown"),
        ({"ce_type": "x" * 100_000}, "the type of 100000 characters is unknown"),
        ({"ce_id": "Jane Roe"}, "a ce_ header cannot be read: ValueError"),
        ({"ce_time": "5 Elm Street"}, "a ce_ header cannot be read: ValueError"),
    ],
    ids=["a later version", "a name", "very long", "an id", "a time"],
)
def test_an_odd_header_is_named_and_its_value_is_not(headers: dict[str, str], told: str) -> None:
    with pytest.raises(UnreadableRecord) as raised:
        decode({**HEADERS, **headers}, WIRE.payload)

    assert str(raised.value) == told


def test_a_missing_header_is_named() -> None:
    with pytest.raises(UnreadableRecord, match="header 'ce_source' is missing"):
        decode({name: value for name, value in HEADERS.items() if name != "ce_source"}, WIRE.payload)


def test_of_a_repeated_header_the_first_counts() -> None:
    assert as_mapping([("ce_type", b"first"), ("ce_type", b"second")]) == {"ce_type": "first"}


@pytest.mark.parametrize("number", [str(2**63), str(-(2**63) - 1), "9" * 40, "9" * 5_000], ids=len)
def test_a_number_that_no_column_holds_cannot_be_read(number: str) -> None:
    beyond = f'"later":[{number}],"aggregate_version":'.encode()
    payload = WIRE.payload.replace(b'"aggregate_version":', beyond)

    with pytest.raises(UnreadableRecord) as raised:
        decode(HEADERS, payload)

    assert str(raised.value) == "the payload holds a number beyond 64 bits"


def test_long_numbers_that_fit_and_those_in_texts_are_read() -> None:
    more = b'"later":[9223372036854775807],"note":",99999999999999999999999",'

    event = decode(HEADERS, WIRE.payload.replace(b'"aggregate_version":', more + b'"aggregate_version":'))

    assert event.aggregate_version == decode(HEADERS, WIRE.payload).aggregate_version
