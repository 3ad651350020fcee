"""Weights to start from, and parts that keep theirs."""

import io
from email.message import Message
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
import torchvision
from torch import nn

from pipeline.errors import CheckpointError
from pipeline.specs.training import FreezeSpec, ModelSpec
from trainers.checkpoints import Checkpoint, write_checkpoint
from trainers.freezing import freeze, parameter_groups
from trainers.networks.registry import open_network
from trainers.weights import find_weights, load_weights

CATEGORIES = ("a", "b")


@pytest.fixture(scope="module")
def squeezenet():
    """A state dict as torchvision publishes it: a thousand classes, no class of ours."""
    return torchvision.models.squeezenet1_1(weights=None).state_dict()


def network_of(task="classification", px=64, **model):
    return open_network(ModelSpec(**model), task=task, class_count=len(CATEGORIES), input_px=px)


def start(path, **model):
    network = network_of(weights=path, **model)
    module = network.build()
    return load_weights(module, network, find_weights(network), CATEGORIES), module.state_dict()


def saved(path, state):
    torch.save(state, path)
    return path


def test_a_state_dict_without_our_head(squeezenet, tmp_path):
    path = saved(tmp_path / "w.pth", squeezenet)
    loaded, state = start(path, name="squeezenet1_1")
    assert loaded.dropped == ("classifier.1.bias", "classifier.1.weight")
    assert loaded.count == len(squeezenet) - 2
    torch.testing.assert_close(
        state["model.features.3.squeeze.weight"], squeezenet["features.3.squeeze.weight"]
    )


def test_half_precision_and_wrapped_in_a_key(squeezenet, tmp_path):
    half = {name: tensor.half() for name, tensor in squeezenet.items()}
    path = saved(tmp_path / "w.pth", {"state_dict": half, "epoch": 3})
    _, state = start(path, name="squeezenet1_1")
    found = state["model.features.0.weight"]
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, half["features.0.weight"].float())


@pytest.mark.parametrize(
    ("task", "name", "inside"),
    [
        ("detection", "faster_rcnn", "backbone.body."),
        ("detection", "ssdlite", "backbone.body."),
        ("semantic", "unet", "maps.body."),
    ],
)
def test_a_state_dict_is_a_backbone(squeezenet, tmp_path, task, name, inside):
    path = saved(tmp_path / "w.pth", squeezenet)
    loaded, state = start(path, task=task, name=name, backbone="squeezenet1_1", width=0.25)
    assert loaded.count == len(squeezenet) - 2
    assert loaded.dropped == ("classifier.1.bias", "classifier.1.weight")
    for key in ("features.0.weight", "features.12.expand3x3.bias"):
        torch.testing.assert_close(state[inside + key], squeezenet[key])


def test_a_whole_detector_of_torchvision(tmp_path):
    """Its regions and classes are others; backbone, pyramid and the layers between are taken."""
    theirs = torchvision.models.detection.fasterrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, box_detections_per_img=1
    ).state_dict()
    path = saved(tmp_path / "w.pth", theirs)
    loaded, state = start(path, task="detection", name="faster_rcnn", backbone="resnet50")
    assert {name.rsplit(".", 1)[0] for name in loaded.dropped} == {
        "rpn.head.cls_logits",
        "rpn.head.bbox_pred",
        "roi_heads.box_predictor.cls_score",
        "roi_heads.box_predictor.bbox_pred",
    }
    for name in ("backbone.body.layer3.0.conv1.weight", "roi_heads.box_head.fc6.weight"):
        torch.testing.assert_close(state[name], theirs[name])


def test_a_backbone_alone_is_enough(squeezenet, tmp_path):
    features = {name: t for name, t in squeezenet.items() if name.startswith("features.")}
    loaded, _ = start(saved(tmp_path / "w.pth", features), name="squeezenet1_1")
    assert loaded.dropped == ()
    assert loaded.count == len(features)


def test_weights_of_something_else_are_refused(squeezenet, tmp_path):
    path = saved(tmp_path / "w.pth", squeezenet)
    with pytest.raises(CheckpointError, match=r"something else than resnet18: .* is missing") as e:
        start(path, name="resnet18")
    assert "\n" not in str(e.value)
    shallow = saved(tmp_path / "r.pth", torchvision.models.resnet18(weights=None).state_dict())
    with pytest.raises(
        CheckpointError, match=r"than resnet50: model\.layer1\.0\.conv1\.weight is of shape"
    ):
        start(shallow, name="resnet50")


def test_files_that_are_no_weights_are_refused(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (exec, ("raise SystemExit('the weights ran')",))

    for content, words in (
        ({"a": Bomb()}, "refused"),
        ({"epoch": 3}, "neither a checkpoint of blendgap nor a state dict"),
    ):
        with pytest.raises(CheckpointError, match=words) as error:
            start(saved(tmp_path / "w.pth", content), name="resnet18")
        assert "\n" not in str(error.value)
    with pytest.raises(CheckpointError, match="no such file"):
        start(tmp_path / "nowhere.pth", name="resnet18")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def published(name):
    return torchvision.models.get_model_weights(name).DEFAULT


def test_default_weights_come_through_torchvisions_cache(squeezenet, hub):
    """The file lies where torchvision would put its download; nothing is fetched."""
    saved(hub / Path(published("squeezenet1_1").url).name, squeezenet)
    loaded, state = start("DEFAULT", task="detection", name="fcos", backbone="squeezenet1_1")
    assert loaded.count == len(squeezenet) - 2
    torch.testing.assert_close(
        state["backbone.body.features.0.bias"], squeezenet["features.0.bias"]
    )


def test_default_weights_are_fetched_and_their_hash_is_checked(squeezenet, hub, monkeypatch):
    content = io.BytesIO()
    torch.save(squeezenet, content)

    class Response(io.BytesIO):
        def info(self):
            return Message()

    asked = []

    def urlopen(request):
        asked.append(request.full_url)
        return Response(content.getvalue())

    monkeypatch.setattr("torch.hub.urlopen", urlopen)
    with pytest.raises(CheckpointError, match="invalid hash value") as error:
        start("DEFAULT", name="squeezenet1_1")
    assert "\n" not in str(error.value)
    assert asked == [published("squeezenet1_1").url]


def test_no_network_is_said_in_one_line(hub, monkeypatch):
    def urlopen(request):
        raise URLError("Name or service not known")

    monkeypatch.setattr("torch.hub.urlopen", urlopen)
    with pytest.raises(CheckpointError, match=r"not known.*; put the file into .*checkpoints") as e:
        start("DEFAULT", name="resnet18")
    assert "\n" not in str(e.value)


def test_the_old_names_of_densenet(hub):
    state = torchvision.models.densenet121(weights=None).state_dict()
    old = {
        name.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): tensor
        for name, tensor in state.items()
    }
    assert old.keys() != state.keys()
    saved(hub / Path(published("densenet121").url).name, old)
    loaded, _ = start("DEFAULT", name="densenet121")
    assert loaded.count == len(state) - 2


def run_of(tmp_path, categories, **model):
    network = network_of(**model)
    checkpoint = Checkpoint(
        model=network.model,
        categories=categories,
        task=network.task,
        state=network.build().state_dict(),
        has_masks=False,
        input_px=64,
        spec_sha256="0" * 64,
        step=1,
        seed=0,
    )
    (tmp_path / "run").mkdir()
    write_checkpoint(tmp_path / "run" / "model.pt", checkpoint)
    return tmp_path / "run", checkpoint.state


def test_another_run_with_the_same_classes_is_taken_whole(tmp_path):
    run, given = run_of(tmp_path, CATEGORIES, name="compact_classifier", width=0.25)
    loaded, state = start(run, name="compact_classifier", width=0.25)
    assert loaded.dropped == ()
    assert all(torch.equal(given[name], state[name]) for name in given)


def test_another_runs_head_is_dropped_if_the_classes_differ(tmp_path):
    """Also if there are as many: in another order they are others."""
    run, given = run_of(tmp_path, ("b", "a"), name="compact_classifier", width=0.25)
    loaded, state = start(run, name="compact_classifier", width=0.25)
    assert loaded.dropped == ("classes.bias", "classes.weight")
    assert not torch.equal(given["classes.weight"], state["classes.weight"])
    torch.testing.assert_close(given["features.0.0.weight"], state["features.0.0.weight"])


def test_a_classifier_of_ours_becomes_a_backbone(tmp_path):
    run, given = run_of(tmp_path, CATEGORIES, name="resnet18")
    loaded, state = start(run, task="detection", name="retinanet", backbone="resnet18", width=0.25)
    assert loaded.dropped == ()
    name = "layer4.1.conv2.weight"
    torch.testing.assert_close(state[f"backbone.body.{name}"], given[f"model.{name}"])


def frozen_of(module):
    return {name for name, p in module.named_parameters() if not p.requires_grad}


def test_stages_are_frozen_and_thawed():
    network = network_of(name="resnet18")
    module = network.build().train()
    spec = FreezeSpec(stages=2, steps=5)
    freeze(module, network, spec, step=4)
    expected = {
        n
        for n, _ in module.named_parameters()
        if n.startswith(("model.conv1", "model.bn1", "model.layer1"))
    }
    assert frozen_of(module) == expected
    still = {
        n for n, m in module.named_modules() if isinstance(m, nn.BatchNorm2d) and not m.training
    }
    assert still == {
        n
        for n in dict(module.named_modules())
        if "bn" in n and n.startswith(("model.bn1", "model.layer1"))
    }
    freeze(module, network, spec, step=5)
    assert frozen_of(module) == set()
    assert all(m.training for m in module.modules() if isinstance(m, nn.BatchNorm2d))


def test_norms_alone_can_be_kept():
    network = network_of(task="semantic", name="unet", backbone="resnet18")
    module = network.build().train()
    freeze(module, network, FreezeSpec(norms=True), step=0)
    assert frozen_of(module) == set()
    norms = {n: m.training for n, m in module.named_modules() if isinstance(m, nn.BatchNorm2d)}
    assert {n for n, training in norms.items() if training} == {
        n for n in norms if n.startswith("head.")
    }


@pytest.mark.parametrize("rate", [1.0, 0.1])
def test_every_parameter_is_in_one_group(rate):
    network = network_of(name="resnet18")
    module = network.build()
    groups = parameter_groups(module, network, rate=1e-2, backbone_rate=rate)
    members = [id(p) for group in groups for p in group["params"]]
    assert len(members) == len(set(members)) == len(list(module.parameters()))
    rate_of = {id(p): group["lr"] for group in groups for p in group["params"]}
    assert rate_of[id(module.model.layer2[0].conv1.weight)] == pytest.approx(1e-2 * rate)
    assert rate_of[id(module.model.fc.weight)] == 1e-2
    decay_of = {id(p): group.get("weight_decay") for group in groups for p in group["params"]}
    assert decay_of[id(module.model.fc.bias)] == 0
    assert decay_of[id(module.model.fc.weight)] is None
