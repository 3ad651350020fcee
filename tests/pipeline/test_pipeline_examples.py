"""What users copy must be right."""

from pathlib import Path

import pytest

from pipeline.specs.document import load_spec
from pipeline.specs.experiment import ExperimentSpec
from pipeline.specs.scene import SceneSpec
from pipeline.specs.training import TrainSpec

EXAMPLES = Path(__file__).parents[2] / "examples"


def model_of(path):
    return next(
        (
            model
            for ending, model in (("-experiment", ExperimentSpec), ("-training", TrainSpec))
            if path.stem.endswith(ending)
        ),
        SceneSpec,
    )


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_can_be_read(path):
    load_spec(path, model_of(path))
