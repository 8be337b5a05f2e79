"""Personal data is marked by type: whatever prints an event can leave it out without a list of names."""

from typing import Annotated, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


class PersonalData:
    """The mark on a field that holds data of a natural person."""


#: `consignee: Personal[Consignee]`: never in logs, errors, dead letters' listings or other services' events.
Personal = Annotated[T, PersonalData()]

REDACTED = "[personal]"


def redact(model: BaseModel) -> dict[str, object]:
    """The model as JSON-ready data, every personal field replaced by `[personal]`: safe to show and log."""
    shown = model.model_dump(mode="json")
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if any(isinstance(mark, PersonalData) for mark in field.metadata):
            if value is not None:
                shown[name] = REDACTED
        elif isinstance(value, BaseModel):
            shown[name] = redact(value)
        elif isinstance(value, tuple | list):
            shown[name] = [
                redact(one) if isinstance(one, BaseModel) else shown[name][i] for i, one in enumerate(value)
            ]
    return shown
