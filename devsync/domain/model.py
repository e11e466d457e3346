"""The base of every value that crosses a boundary: frozen, typed, tolerant of fields it does not know yet."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A frozen value.

    Unknown fields are ignored, so that an older build can read what a newer one wrote; a field added later
    needs a default, so that a newer build can read what an older one wrote.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
