"""A further rank of a crew: ``python -m trainers.crew_member RUN_DIR RANK PORT``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pipeline.errors import BlendgapError
from pipeline.parents import leave_with_parent
from pipeline.specs.training import TrainSpec
from trainers.crew import Crew
from trainers.fitting import fit, open_run

__all__ = ["main"]


def main() -> None:
    """Train, and leave when rank 0 does."""
    run_dir, rank, port = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    leave_with_parent()
    try:
        text = (run_dir / "train.json").read_text(encoding="utf-8")
        run = open_run(TrainSpec.model_validate_json(text), run_dir)
        fit(run, crew=Crew(rank=rank, size=run.spec.devices, port=port))
    except BlendgapError as error:
        sys.stderr.write(f"{error}\n")
        os._exit(error.exit_code)
    os._exit(0)  # the thread that reads the pipe would be in the way of an orderly end


if __name__ == "__main__":
    main()
