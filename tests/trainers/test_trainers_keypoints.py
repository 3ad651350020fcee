"""Keypoints: maps and what is read off them, the task, every network from data to scores."""

import json

import numpy as np
import pytest
import torch
from discs import OFF
from flags import HEIGHT, NAMES, WIDTH, paint
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional
from torchvision.models.detection.roi_heads import heatmaps_to_keypoints, keypoints_to_heatmap

from evaluation.scores import evaluate
from pipeline.errors import CheckpointError, DatasetError, SpecError
from pipeline.records.predictions import read_meta, read_results
from pipeline.specs.training import DataSource, ModelSpec, TrainSpec
from trainers.examples import DetectionExample, ObjectExample
from trainers.keypoints.crops import crop_object
from trainers.keypoints.heatmap import HeatmapKeypoints
from trainers.keypoints.heatmaps import WINDOW, heatmap_loss, read_heatmaps, windows
from trainers.networks.backbones import build_shapes
from trainers.networks.network import is_under
from trainers.prediction import predict
from trainers.task_registry import open_task
from trainers.training import train

HEATMAP = {"name": "heatmap", "width": 0.5}
COMPACT = {"name": "compact_detector", "width": 0.5}
RCNN = {"name": "keypoint_rcnn", "backbone": "resnet18", "width": 0.25, "zoom": 1.0}


def spec_for(folder, model, **changes):
    fields = {
        "task": "keypoints",
        "data": (DataSource(path=folder, split="test"),),
        "model": ModelSpec(**model),
        "input_px": 128,
        "steps": 60,
        "batch_size": 4,
        "learning_rate": 4e-3,
        "warmup_steps": 5,
        "ema_decay": 0.8,
        "augment": OFF,
        "device": "cpu",
    }
    return TrainSpec(**fields | changes)


@pytest.fixture(scope="module")
def flags(tmp_path_factory):
    return paint(tmp_path_factory.mktemp("flags"), frames=4)


def score_of(predictions, folder, metric):
    sheet = evaluate(predictions, folder, split="test")
    return next(s.value for s in sheet.scores if (s.metric, s.class_name) == (metric, None))


def gaussian_logits(points, side):
    """(1, K, side, side) logarithms of Gaussians with a deviation of one cell."""
    centres = torch.arange(side) + 0.5
    dx, dy = (centres - points[:, i, None] for i in (0, 1))
    return (-0.5 * (dy[:, :, None] ** 2 + dx[:, None, :] ** 2))[None]


@settings(max_examples=50)
@given(st.lists(st.tuples(*[st.floats(3, 13)] * 2), min_size=1, max_size=4))
def test_places_between_cells_are_read_exactly(places):
    points = torch.tensor(places)
    logits = gaussian_logits(points, 16)
    found, confidence = read_heatmaps(logits + 3.7)
    assert found[0].numpy() == pytest.approx(points.numpy(), abs=1e-3)
    assert (confidence > 0.9).all()
    assert heatmap_loss(logits, points[None], torch.ones(1, len(points), dtype=torch.bool)) < 1e-5


def test_confidence_falls_with_a_second_guess_and_a_flat_map_has_none():
    first, second = (gaussian_logits(torch.tensor([[x, 20.5]]), 32) for x in (6.5, 26.5))
    two = torch.logaddexp(first, second - 0.1)
    _, confidence = read_heatmaps(torch.cat([first, two, torch.zeros(1, 1, 32, 32)], dim=1))
    assert confidence[0].tolist() == pytest.approx([1, 1 / (1 + np.exp(-0.1)), 25 / 1024], abs=0.03)


def test_the_loss_is_torchs_divergence_and_asks_for_labelled_points_only():
    points, logits = torch.tensor([[[4.2, 7.9], [2.0, 3.0]]]), torch.randn(1, 2, 12, 12)
    asked = torch.tensor([[True, False]])
    target = gaussian_logits(points[0], 12)[0, 0].flatten().log_softmax(0)
    expected = functional.kl_div(
        logits[0, 0].flatten().log_softmax(0), target, reduction="sum", log_target=True
    )
    assert heatmap_loss(logits, points, asked).item() == pytest.approx(expected.item(), rel=1e-4)
    assert heatmap_loss(logits, points, torch.zeros_like(asked)) == 0


def test_windows_are_cut_from_the_sum_of_both_maps():
    which, where = torch.randn(2, 3, 8, 8), torch.randn(2, 1, 16, 16)
    sums, first = windows(which, where, 16 * torch.rand(2, 3, 2))
    whole = functional.interpolate(which, scale_factor=2, mode="bilinear") + where
    for b in range(2):
        for k in range(3):
            x, y = first[b, k].tolist()
            part = whole[b, k, y : y + WINDOW, x : x + WINDOW]
            torch.testing.assert_close(sums[b, k], part)


def test_torchvision_agrees_on_what_a_cell_of_its_maps_means():
    """Its own targets, read by us and by it, lie in the same places of the box."""
    boxes = torch.tensor([[10.0, 20.0, 66.0, 132.0]])
    points = torch.tensor([[[20.3, 50.9, 2.0], [60.0, 25.0, 2.0]]])
    cells, _ = keypoints_to_heatmap(points, boxes, 56)
    maps = 9.0 * functional.one_hot(cells, 56 * 56).float().view(1, 2, 56, 56)
    places = read_heatmaps(maps)[0] / 56 * (boxes[:, None, 2:] - boxes[:, None, :2])
    theirs = heatmaps_to_keypoints(maps, boxes)[0][..., :2]
    assert (places + boxes[:, None, :2] - theirs).abs().max() <= 1
    assert (places + boxes[:, None, :2] - points[..., :2]).abs().max() <= 1


def test_a_square_shows_its_object_whole():
    points = np.array([[40.5, 30.5, 2], [70.5, 60.5, 1], [0, 0, 0]])
    item = ObjectExample(
        class_index=0, box_xyxy=np.array([38.0, 28, 75, 66]), mask=None, keypoints=points
    )
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[30, 40] = 255
    sides = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        out = crop_object(DetectionExample(image=image, objects=(item,)), OFF, side_px=64, rng=rng)
        x0, y0, x1, y1 = out.objects[0].box_xyxy
        assert min(x0, y0) >= 0 <= 64 - max(x1, y1)
        found = out.objects[0].keypoints
        assert found[:, 2].tolist() == [2, 1, 0]
        peak = np.unravel_index(out.image[..., 0].argmax(), (64, 64))
        assert np.abs(np.array(peak)[::-1] + 0.5 - found[0, :2]).max() <= 1.01
        sides.append(64 * 37 / (x1 - x0))
    assert min(sides) < 50  # close
    assert 100 < max(sides) <= WIDTH + 1e-6  # as it is first looked at


def test_hidden_points_are_asked_for_and_unlabelled_ones_are_not():
    network = HeatmapKeypoints(
        model=ModelSpec(**HEATMAP), class_count=1, input_px=64, keypoint_count=3
    )
    item = ObjectExample(
        class_index=0,
        box_xyxy=np.array([0.0, 0, 60, 60]),
        mask=None,
        keypoints=np.array([[10.0, 20, 2], [30, 40, 1], [0, 0, 0]]),
    )
    example = DetectionExample(image=np.zeros((64, 64, 3), np.uint8), objects=(item,))
    batch = network.batch([example], [np.random.default_rng(0)])
    assert batch.asked.tolist() == [[True, True, False]]
    assert batch.points[0, :2].tolist() == [[10, 20], [30, 40]]


@pytest.mark.parametrize(
    ("model", "changes", "least"),
    [
        (HEATMAP, {"steps": 40}, 0.5),
        (COMPACT | {"width": 0.25}, {"steps": 50}, 0.5),
        pytest.param(  # a quarter of a minute
            RCNN,
            {"steps": 12, "batch_size": 2, "learning_rate": 2e-3},
            0.2,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_far_above_chance(flags, tmp_path, model, changes, least):
    """Chance: of points anywhere in the box 6 % lie within a tenth of its diagonal."""
    spec = spec_for(flags, model, **({"learning_rate": 1e-2, "input_px": 96} | changes))
    run = train(spec, tmp_path / "run")
    out = predict(run, flags, tmp_path / "p.json")
    assert score_of(out, flags, "pck@0.1") > least
    entry = read_results(out)[0]
    assert len(entry["keypoints"]) == 3 * len(NAMES)
    assert all(0 <= confidence <= 1 for confidence in entry["keypoints"][2::3])
    assert read_meta(out).task == "keypoints"
    assert read_meta(out).poses is None


def test_other_data_are_refused_in_one_line(flags, tmp_path):
    run = train(spec_for(flags, HEATMAP, steps=1, input_px=64), tmp_path / "run")
    other = paint(tmp_path / "other", frames=1)
    path = other / "instances_test.json"
    document = json.loads(path.read_text())
    document["categories"][0]["keypoints"][1] = "crown"
    path.write_text(json.dumps(document))
    with pytest.raises(DatasetError, match=r"flag has 4 keypoints, foot, crown, tip .*foot, top"):
        predict(run, other, tmp_path / "p.json")
    both = (DataSource(path=flags, split="test"), DataSource(path=other, split="test"))
    with pytest.raises(DatasetError, match="flag has the keypoints foot, crown, tip, middle"):
        open_task(spec_for(flags, HEATMAP, data=both))
    document["categories"].append({"id": 6, "name": "kite", "keypoints": ["tip"]})
    path.write_text(json.dumps(document))
    with pytest.raises(DatasetError, match="the categories flag, kite; heatmap learns one"):
        open_task(spec_for(other, HEATMAP))
    del document["categories"][1]["keypoints"]
    path.write_text(json.dumps(document))
    with pytest.raises(DatasetError, match="kite have no keypoints"):
        open_task(spec_for(other, RCNN))
    for annotation in document["annotations"]:
        del annotation["keypoints"]
    path.write_text(json.dumps(document))
    with pytest.raises(DatasetError, match=r"no keypoint is labelled.*keypoints: true"):
        open_task(spec_for(other, HEATMAP))


def test_mirrors_need_names_with_sides(flags):
    with pytest.raises(SpecError, match=r"augment.flip.*flag.*foot, top, tip, middle"):
        open_task(spec_for(flags, HEATMAP, augment=OFF.model_copy(update={"flip": True})))


@pytest.mark.parametrize(
    ("backbone", "fine"), [(None, 64), ("resnet18", 64), ("squeezenet1_1", 63), ("swin_t", 32)]
)
def test_any_encoder_will_do(backbone, fine):
    model = ModelSpec(name="heatmap", backbone=backbone, width=0.5)
    network = HeatmapKeypoints(model=model, class_count=1, input_px=128, keypoint_count=3)
    network.check()
    maps = build_shapes(network.build)(torch.zeros(2, 3, 128, 128, device="meta"))
    assert maps.where.shape == (2, 1, fine, fine)
    assert maps.which.shape[:2] == (2, 3)
    assert maps.which.shape[2] < fine
    names = {name.rpartition(".")[0] for name in build_shapes(network.build).state_dict()}
    inside = [step for stage in network.stages() for step in stage]
    assert {name for name in names if is_under(name, ["maps"])} == {
        name for name in names if is_under(name, inside)
    }


def test_sizes_that_cannot_be_halved_are_refused(flags, tmp_path):
    with pytest.raises(SpecError, match="input_px of 100 is not a multiple of 32"):
        train(spec_for(flags, HEATMAP, input_px=100), tmp_path / "run")


def test_heads_of_other_keypoints_are_not_taken_over(flags, tmp_path):
    """The shape is the same, the meaning is not."""
    run = train(spec_for(flags, HEATMAP, steps=1, input_px=64), tmp_path / "run")
    other = paint(tmp_path / "other", frames=1)
    path = other / "instances_test.json"
    document = json.loads(path.read_text())
    document["categories"][0]["keypoints"][1] = "crown"
    path.write_text(json.dumps(document))
    model = HEATMAP | {"weights": run}
    again = train(spec_for(other, model, steps=1, input_px=64), tmp_path / "again")
    dropped = json.loads((again / "stats.json").read_text())["weights"]["dropped"]
    assert dropped == ["which.1.bias", "which.1.weight"]
    wider = HEATMAP | {"width": 1.0, "weights": run}
    with pytest.raises(CheckpointError, match="width"):
        train(spec_for(flags, wider, steps=1, input_px=64), tmp_path / "wider")


@pytest.mark.slow  # 15 minutes together on two busy cores, most of it Keypoint R-CNN
@pytest.mark.parametrize(
    ("model", "steps", "rate", "flags_each"),
    [(HEATMAP, 400, 1e-2, 1), (COMPACT, 600, 5e-3, 2), (RCNN, 300, 2e-3, 2)],
)
def test_eight_pictures_by_heart(tmp_path, model, steps, rate, flags_each):
    folder = paint(tmp_path / "eight", frames=8, flags=flags_each)
    spec = spec_for(folder, model, steps=steps, learning_rate=rate, ema_decay=0.95)
    out = predict(train(spec, tmp_path / "run"), folder, tmp_path / "p.json")
    assert score_of(out, folder, "keypoint_ap") >= 0.95
    assert score_of(out, folder, "pck@0.02") >= 0.95
