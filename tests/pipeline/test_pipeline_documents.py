import pytest

from pipeline.errors import SpecError
from pipeline.specs.document import load_document, load_spec
from pipeline.specs.experiment import ExperimentSpec
from pipeline.specs.scene import SceneSpec


def write(tmp_path, text):
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("yes", "yes"),
        ("true", True),
        ("1e-3", 0.001),
        ("010", 10),
        ("12:30", "12:30"),
        ("2001-01-01", "2001-01-01"),
        ("-.5", -0.5),
        ("~", None),
    ],
)
def test_scalars_follow_yaml_1_2(tmp_path, text, value):
    got = load_document(write(tmp_path, f"key: {text}\n"))["key"]
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("scene: coins\nframes: -3\n", ["frames", "-3", "greater than or equal to 1"]),
        ("scene: coins\nframes: many\n", ["frames", "many", "integer"]),
        ("scene: coins\nframes: 3\nseeed: 1\n", ["unknown key 'seeed'", "known keys", "seed"]),
        ("scene: coins\nframes: 3\nimage: {widht: 3}\n", ["image.widht", "known keys", "width"]),
        ("frames: 3\n", ["'scene' is missing"]),
        ("scene: coins\nframes: 3\nframes: 4\n", ["spec.yaml:3", "appears twice"]),
        ("- coins\n", ["list", "mapping"]),
        ("scene: [\n", ["spec.yaml:"]),
        ("scene: coins\nframes: 3\nfactors: {mood: off}\n", ["mood"]),
        ("scene: !!python/object/apply:os.system ['true']\n", ["spec.yaml"]),
    ],
)
def test_a_wrong_spec_names_file_and_key_in_one_line(tmp_path, text, words):
    path = write(tmp_path, text)
    with pytest.raises(SpecError) as caught:
        load_spec(path, SceneSpec)
    message = str(caught.value)
    assert "\n" not in message.strip()
    assert str(path) in message
    for word in words:
        assert word in message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SpecError, match=r"absent\.yaml: cannot be read"):
        load_spec(tmp_path / "absent.yaml", SceneSpec)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("model: {name: compact_classifier}", "cannot be trained for detection"),
        ("model: {name: compact_detector}\ninput_px: 300", "not a multiple of 32"),
    ],
)
def test_an_experiment_that_cannot_train_is_refused_before_anything_is_rendered(
    tmp_path, change, words
):
    text = f"task: detection\nsynthetic: a.yaml\nbenchmark: coins\nsteps: 1\n{change}\n"
    with pytest.raises(SpecError, match=words):
        load_spec(write(tmp_path, text), ExperimentSpec)
