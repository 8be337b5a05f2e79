import json
import logging
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, SecretStr

from crossdock_chassis.logging import MAX_EXCEPTION_CHARS, configure_logging, get_logger
from crossdock_chassis.telemetry import current_trace_id, span
from crossdock_contracts.privacy import Personal

CANARY = "jane@example.org"


class Buyer(BaseModel):
    email: str


class Sold(BaseModel):
    order_id: int
    buyer: Personal[Buyer]
    consignee: Annotated[Personal[str], "more marks"]


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = capsys.readouterr().out.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """The handler keeps the standard output of the moment it was made at; no other test shall have it."""
    handlers, level = logging.getLogger().handlers, logging.getLogger().level
    yield
    logging.getLogger().handlers = handlers
    logging.getLogger().setLevel(level)


def test_a_line_is_an_event_its_values_and_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("order")
    with span("work"):
        trace_id = current_trace_id()
        get_logger("order_service").info("order.cancelled", order_id=17, reason="buyer asked")

    line = said(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "order.cancelled",
        "order_id": 17,
        "reason": "buyer asked",
        "level": "info",
        "logger": "order_service",
        "service": "order",
        "trace_id": trace_id,
    }


def test_personal_data_is_hidden_by_its_type_wherever_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("order")
    sold = Sold(order_id=17, buyer=Buyer(email=CANARY), consignee=CANARY)

    get_logger("x").info("order.seen", order=sold, more=[{"deep": sold}])

    line = said(capsys)
    hidden = {"order_id": 17, "buyer": "[personal]", "consignee": "[personal]"}
    assert line["order"] == hidden
    assert line["more"] == [{"deep": hidden}]


def test_secrets_are_hidden_by_key_by_type_and_in_urls(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("order")
    get_logger("x").info(
        "carrier.asked",
        api_key="s3cret",
        password="s3cret",
        headers={"Authorization": "Bearer s3cret", "Set-Cookie": "s3cret", "x-request": "1"},
        token="s3cret",
        key=SecretStr("s3cret"),
        url="postgresql+asyncpg://order_app:s3cret@db/x",
        token_name="console",
    )

    line = said(capsys)
    assert "s3cret" not in json.dumps(line)
    assert line["headers"]["x-request"] == "1"
    assert line["token_name"] == "console"
    assert line["url"].endswith("@db/x")


def test_an_exception_is_its_types_first_lines_and_places_and_bounded(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("order")

    def deep(n: int) -> None:
        if n:
            deep(n - 1)
        else:
            raise ValueError(f"duplicate key {'x' * 5000}\nDETAIL: Key (email)=({CANARY}) exists")

    try:
        try:
            deep(100)
        except ValueError as error:
            raise RuntimeError("the order was not stored") from error
    except RuntimeError:
        get_logger("x").exception("order.failed")

    text = said(capsys)["exception"]
    assert text.startswith("RuntimeError: the order was not stored\nValueError: duplicate key")
    assert "test_logging.py" in text
    assert CANARY not in text
    assert len(text) <= MAX_EXCEPTION_CHARS


def test_what_does_not_fit_a_model_is_logged_by_place_and_not_by_value(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("order")
    try:
        Sold.model_validate({"order_id": CANARY, "buyer": CANARY, "consignee": 1})
    except ValueError as error:
        get_logger("x").warning("event.unreadable", error=error, exc_info=True)

    line = said(capsys)
    assert CANARY not in json.dumps(line)
    assert "order_id int_parsing" in line["error"]


def test_libraries_log_through_the_same_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("order")
    logging.getLogger("some.library").warning("slow answer of %s", "postgresql://u:s3cret@db")
    logging.getLogger("uvicorn.access").info('GET /v1/orders?email=%s HTTP/1.1" 200', CANARY)

    line = said(capsys)
    assert line["logger"] == "some.library"
    assert line["event"] == "slow answer of postgresql://[secret]@db"


def test_long_values_and_collections_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("order")
    get_logger("x").info("much", text="x" * 10_000, many=list(range(10_000)), deep=[[[[[[1]]]]]])

    line = said(capsys)
    assert len(line["text"]) == 1_000
    assert len(line["many"]) == 50
    assert line["deep"] == [[[["[1 items]"]]]]
