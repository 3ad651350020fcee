"""Records read back from the JSON files that we write."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pipeline.errors import DatasetError

__all__ = ["read_document"]

RecordT = TypeVar("RecordT", bound=BaseModel)


def read_document(path: Path, kind: type[RecordT], *, way_out: str) -> RecordT:
    """Read a record.

    Args:
        path: The file.
        kind: What it holds.
        way_out: What to do where it does not, as ``run the experiment again``.

    Raises:
        DatasetError: If it is missing or no such record, with the first key that is wrong.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); {way_out}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        where = f"key '{key}': " if key else ""
        raise DatasetError(f"{path}: {where}{first['msg']}; {way_out}.") from error
