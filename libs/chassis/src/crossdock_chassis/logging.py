"""Logs: a fixed event name plus values, one line each, on standard output; nothing secret or personal."""

import logging
import re
import sys
import traceback
from collections.abc import Mapping
from typing import Any, Literal

import structlog
from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from structlog.typing import EventDict, Processor

from crossdock_chassis.telemetry import current_trace_id
from crossdock_contracts.privacy import redact

SECRET = "[secret]"  # noqa: S105 - what is shown instead of one
MAX_VALUE_CHARS = 1_000
MAX_EXCEPTION_CHARS = 4_000
_MAX_FRAMES = 12
_MAX_CAUSES = 4
_MAX_ITEMS = 50
_MAX_DEPTH = 4

_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)|secret|authorization|cookie|credential|signature|(api|private|access)_?key$|(^|_)token$|(^|_)dsn$",
    re.IGNORECASE,
)
_USER_IN_URL = re.compile(r"://[^/@\s]+@")


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """`log = get_logger(__name__)`; then `log.info("order.cancelled", order_id=order_id)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def configure_logging(
    service: str, *, log_format: Literal["json", "console"] = "json", level: str = "info"
) -> None:
    """Send everything, the libraries' own logs too, through one pipe to standard output. Safe to repeat."""

    def name_service(_: object, __: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        return event

    shared: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_service,
        add_trace_id,
        render_exception,
        hide,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer(default=str)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(_soften)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    # Their access log has query strings in it; requests are counted and traced by route instead.
    logging.getLogger("uvicorn.access").disabled = True
    for chatty in ("uvicorn.error", "aiokafka", "alembic", "httpx", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _soften(record: logging.LogRecord) -> bool:
    """An error means: act now. A broker that is away is waited for, and our own lines tell it."""
    if record.name.startswith("aiokafka") and record.levelno > logging.WARNING:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def add_trace_id(_: object, __: str, event: EventDict) -> EventDict:
    trace_id = current_trace_id()
    if trace_id is not None:
        event.setdefault("trace_id", trace_id)
    return event


def render_exception(_: object, __: str, event: EventDict) -> EventDict:
    """Replace `exc_info` by types, first lines and places: bounded, and without the values frames hold."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = describe(error)
    return event


def describe(error: BaseException) -> str:
    """An error for a log line: its chain of types and first lines, then the innermost frames."""
    chain: list[str] = []
    current: BaseException | None = error
    while current is not None and len(chain) < _MAX_CAUSES:
        chain.append(f"{type(current).__qualname__}: {_first_line(current)}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    frames = [
        f"{one.filename.rsplit('site-packages/', 1)[-1]}:{one.lineno} {one.name}"
        for one in traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    ]
    return "\n".join([*chain, *frames])[:MAX_EXCEPTION_CHARS]


def _first_line(error: BaseException) -> str:
    # PostgreSQL puts the row's values into its second line (DETAIL), pydantic puts the input there.
    if isinstance(error, ValidationError):
        places = (
            ".".join(map(str, one["loc"])) + " " + one["type"] for one in error.errors(include_input=False)
        )
        return "; ".join(places)[:300]
    return str(error).partition("\n")[0][:300]


def hide(_: object, __: str, event: EventDict) -> EventDict:
    """Take out secrets by their key, personal data by its type, and cut what is too long."""
    return {key: _shown(key, value, 0) for key, value in event.items()}


def _shown(key: str, value: Any, depth: int) -> Any:
    if key.startswith("_"):  # structlog's own
        return value
    if value is not None and _SECRET_KEY.search(key):
        return SECRET
    if isinstance(value, SecretStr | SecretBytes):
        return SECRET
    if isinstance(value, str):
        limit = MAX_EXCEPTION_CHARS if key == "exception" else MAX_VALUE_CHARS
        return _USER_IN_URL.sub(f"://{SECRET}@", value[:limit])
    if isinstance(value, BaseModel):
        value = redact(value)
    if isinstance(value, BaseException):
        return f"{type(value).__qualname__}: {_USER_IN_URL.sub(f'://{SECRET}@', _first_line(value))}"
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        if depth >= _MAX_DEPTH:
            return f"[{len(value)} items]"
        if isinstance(value, Mapping):
            return {
                str(inner): _shown(str(inner), one, depth + 1)
                for inner, one in list(value.items())[:_MAX_ITEMS]
            }
        return [_shown("", one, depth + 1) for one in list(value)[:_MAX_ITEMS]]
    return value
