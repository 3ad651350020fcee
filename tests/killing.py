"""Trainings that are killed on purpose, and what they leave."""

import json

__all__ = ["Killed", "curve_of", "kill_at"]


class Killed(BaseException):
    """What a test kills a run with."""


def kill_at(step):
    """A progress listener that kills the run after so many steps."""

    def progress(done, total, note=""):
        if done == step:
            raise Killed

    return progress


def curve_of(run_dir):
    """A finished run's learning curve."""
    return json.loads((run_dir / "curve.json").read_text())
