"""Plain values from a file, checked against a dataclass or a schema, without coercion."""

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

LONGEST = 1_000_000  # characters of a file of settings, or of one note
DEEPEST = 30  # levels of nesting: ours have four
M = TypeVar("M", bound=BaseModel)


class Strict(BaseModel):
    """A schema in which a number is no text, and nothing is infinite; unknown names are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False, frozen=True)


def schema_of(kind: type, **overrides: Any) -> type[BaseModel]:
    """The schema of a dataclass: its fields with their types and defaults, and no others."""
    parts: dict[str, Any] = {}
    for field in fields(kind):
        # `...` is how pydantic says that there is no default
        default = ... if field.default is MISSING else field.default
        parts[field.name] = (overrides.get(field.name, field.type), default)
    config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    return create_model(kind.__name__, __config__=config, **parts)


def checked(schema: type[M], values: object) -> M:
    """Fill a schema with plain values; raises `ValueError` with the first thing that is wrong."""
    try:
        return schema.model_validate(values)
    except ValidationError as invalid:
        error = invalid.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in error["loc"])
        raise ValueError(f"{place}: {error['msg']}" if place else error["msg"]) from None


def read_json(path: Path) -> Any:
    """Read a file of settings; raises `OSError`, and `ValueError` for what is none."""
    with path.open() as file:
        # not `read_text`: a file of gigabytes is not read to its end to be refused
        text = file.read(LONGEST + 1)
    return parsed(text)


def parsed(text: str) -> Any:
    """Parse JSON that is neither long nor deep; raises `ValueError`."""
    if len(text) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST:,} characters")
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if _depth(value) > DEEPEST:
        raise ValueError("it is nested too deep")
    return value


def _depth(value: object) -> int:
    # level by level: a recursion would end where Python's own limit is
    depth, level = 0, [value]
    while level and depth <= DEEPEST:
        depth += 1
        level = [item for part in level for item in _items(part)]
    return depth


def _items(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []
