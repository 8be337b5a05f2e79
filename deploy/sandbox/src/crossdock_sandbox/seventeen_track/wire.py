"""What a request may hold, named as 17TRACK names it. Everything else is refused, unlike by the original.

Source: 17TRACK's API documentation v2.2 (asset.17track.net/api/document/v2.2_en), read 2026-11-22.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Number = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{5,50}$")]
Text = Annotated[str, StringConstraints(max_length=200)]
Key = Annotated[int, Field(gt=0, lt=10_000_000)]  # of a carrier


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Registration(Wire):
    number: Number
    carrier: Key | None = None
    final_carrier: Key | None = None
    auto_detection: bool = True
    param: Text | None = None
    tag: Text | None = None
    lang: Annotated[str, StringConstraints(pattern=r"^[a-z-]{2,7}$")] | None = None
    order_no: Text | None = None
    order_time: Text | None = None
    remark: Text | None = None
    email: Text | None = None


class Named(Wire):
    """A registered number; with its carrier where it is registered for several."""

    number: Number
    carrier: Key | None = None
