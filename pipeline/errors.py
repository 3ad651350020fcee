"""Every error that blendgap raises on purpose.

    BlendgapError
    ├── InputError            what the user gave is wrong: exit code 2
    │   ├── SpecError         a YAML file: spec, training, experiment
    │   ├── DatasetError      a dataset or benchmark folder, its COCO file, an image in it
    │   ├── PredictionsError  a predictions file or its meta file
    │   └── CheckpointError   a run folder or checkpoint
    └── WorkError             the input was right, the work failed: exit code 1
        ├── RenderError       frames could not be rendered
        └── TrainingError     a network could not be trained

A message is one line that says where, what was got, what was expected and the way out.
"""

__all__ = [
    "BlendgapError",
    "CheckpointError",
    "DatasetError",
    "InputError",
    "PredictionsError",
    "RenderError",
    "SpecError",
    "TrainingError",
    "WorkError",
]


class BlendgapError(Exception):
    """Base of all errors raised on purpose; ``exit_code`` is what the command line returns."""

    exit_code = 1


class InputError(BlendgapError):
    """What the user gave is wrong."""

    exit_code = 2


class SpecError(InputError):
    """A YAML file is wrong."""


class DatasetError(InputError):
    """A dataset or benchmark is wrong."""


class PredictionsError(InputError):
    """A predictions file is wrong."""


class CheckpointError(InputError):
    """A run folder or checkpoint is wrong."""


class WorkError(BlendgapError):
    """The input was right, the work failed."""


class RenderError(WorkError):
    """Frames could not be rendered."""


class TrainingError(WorkError):
    """A network could not be trained."""
