"""One training of a fleet: ``python -m flows.fleet_member``, see :mod:`flows.fleet`."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from flows.late import load
from pipeline.errors import BlendgapError
from pipeline.parents import leave_with_parent
from pipeline.specs.training import TrainSpec

__all__ = ["main"]

_TELL_EVERY_S = 0.5


def main() -> None:
    """Train what the order says."""
    order = json.loads(sys.stdin.readline())
    os.sched_setaffinity(0, order["cores"])
    leave_with_parent()
    spec = TrainSpec.model_validate(order["spec"])
    try:
        # Loaded once the cores are told, by which torch counts its threads.
        cells = load("flows.training_cells")
        cells.finish_training(spec, Path(order["cells"]), progress=_Teller())
    except BlendgapError as error:
        os._exit(error.exit_code)
    sys.stdout.flush()
    os._exit(0)  # the thread that reads the pipe would be in the way of an orderly end


class _Teller:
    """A line of JSON now and then, and at the end."""

    def __init__(self) -> None:
        self._told_at = 0.0

    def __call__(self, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        if done < total and now - self._told_at < _TELL_EVERY_S:
            return
        self._told_at = now
        sys.stdout.write(json.dumps({"done": done}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
