"""What comes in and goes out as JSON."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A request's body: unknown fields are 422."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """A response's body."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
