"""Networks by name: what there is, what is refused, and whether the parts are torchvision's."""

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
import torchvision
import yaml
from hypothesis import given
from hypothesis import strategies as st
from torchvision.models.feature_extraction import create_feature_extractor

from pipeline.errors import SpecError
from pipeline.records.predictions import Task
from pipeline.specs.document import parse_spec
from pipeline.specs.training import FreezeSpec, ModelSpec, TrainSpec
from trainers.examples import DetectionExample, ObjectExample
from trainers.networks.backbones import Backbone, build_shapes, classifier_names, read_trunk
from trainers.networks.layout import lay_out
from trainers.networks.registry import check_network, network_names, open_network
from trainers.networks.sizes import ObjectSizes, measure_objects

FAMILIES = (
    *("alexnet", "vgg11", "googlenet", "inception_v3", "resnet18", "densenet121", "mobilenet_v2"),
    *("mobilenet_v3_small", "efficientnet_b0", "convnext_tiny", "vit_b_32", "swin_t"),
    *("squeezenet1_1", "shufflenet_v2_x0_5", "mnasnet0_5", "regnet_y_400mf", "maxvit_t"),
)


def check(task, px=64, **model):
    return check_network(ModelSpec(**model), task=task, input_px=px)


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("task", "model", "words"),
    [
        ("classification", {"name": "resnet19"}, "no network 'resnet19' for classification; did"),
        ("classification", {"name": "resnet19"}, "resnet18"),
        ("detection", {"name": "mask_rcn"}, r"did you mean mask_rcnn"),
        ("detection", {"name": "resnet18"}, "resnet18 is for classification, not for detection"),
        ("semantic", {"name": "zzz"}, "docs/training.md lists them"),
        (
            "detection",
            {"name": "fcos", "backbone": "resnet19"},
            "'resnet19'.*did you mean resnet18",
        ),
        ("detection", {"name": "fcos", "backbone": "vit_b_16"}, "vit_b_16 makes no feature maps"),
        ("classification", {"name": "resnet18", "width": 2.0}, "'model.width': resnet18 has none"),
        ("detection", {"name": "ssd", "fpn": False}, "'model.fpn': ssd has none"),
        ("detection", {"name": "compact_detector", "weights": "DEFAULT"}, "has none, name a run"),
        ("classification", {"name": "alexnet"}, "input_px of 32 is too small for alexnet"),
        ("semantic", {"name": "unet", "backbone": "resnet18"}, "40 is not a multiple of 32"),
        (
            "classification",
            {"name": "resnet18", "freeze": FreezeSpec(stages=6)},
            "got 6; resnet18 has 5",
        ),
    ],
)
def test_what_there_is_not_is_refused_in_one_line(task, model, words):
    px = {"alexnet": 32, "unet": 40}.get(model["name"], 64)
    with pytest.raises(SpecError, match=words) as error:
        check(task, px, **model)
    assert "\n" not in str(error.value)


def test_every_classifier_of_torchvision_has_a_name():
    assert set(network_names("classification")) == {
        "compact_classifier",
        *torchvision.models.list_models(module=torchvision.models),
    }


@pytest.mark.parametrize(
    "name",
    FAMILIES,
)
def test_classifiers_answer_for_our_classes(name):
    network = check("classification", 224, name=name)
    full = build_shapes(
        lambda: torchvision.models.get_model(name, weights=None, num_classes=2, **quirks(name))
    )
    names = {f"model.{key}" for key in full.state_dict()}
    layers = network.class_layers()
    assert layers
    assert layers <= names
    stages = [step for stage in network.stages() for step in stage]
    assert len(stages) == len(set(stages))
    assert not any(layer.startswith(f"{step}.") for layer in layers for step in stages)


def quirks(name):
    return {"init_weights": False} if name in ("googlenet", "inception_v3") else {}


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "squeezenet1_1", "swin_t"])
def test_maps_are_those_of_the_classifier(name):
    """The same weights in torchvision's own network, its maps taken out by torch.fx."""
    trunk = read_trunk(name)
    backbone = Backbone(name, tuple(trunk.channels)).eval()
    whole = torchvision.models.get_model(name, weights=None).eval()
    missing, extra = whole.load_state_dict(backbone.body.state_dict(), strict=False)
    assert not extra
    assert not any(key.startswith(("layer", "features")) for key in missing)
    nodes = {trunk.steps[index]: str(i) for i, index in enumerate(trunk.last.values())}
    extractor = create_feature_extractor(whole, nodes)
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        ours, theirs = backbone(images), extractor(images)
    for stride, (key, found) in zip(trunk.channels, ours.items(), strict=True):
        expected = theirs[key].permute(0, 3, 1, 2) if trunk.channels_last else theirs[key]
        torch.testing.assert_close(found, expected)
        assert found.shape[1] == trunk.channels[stride]
        assert abs(found.shape[2] - 64 / stride) <= 1


def test_the_examples_of_the_docs_can_be_built():
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text()
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    whole = [block for block in blocks if "task" in block]
    assert {block["task"] for block in whole} == set(get_args(Task))
    for block in whole:
        spec = parse_spec(block, TrainSpec, source=Path("docs.yaml"))
        check_network(spec.model, task=spec.task, input_px=spec.input_px)
    for part in blocks:
        parse_spec(whole[0] | part, TrainSpec, source=Path("docs.yaml"))


def test_a_backbone_that_keeps_its_maps_large():
    assert list(read_trunk("resnet50", dilated=True).channels) == [2, 4, 8]
    assert list(read_trunk("resnet18", dilated=True).channels) == [2, 4, 8, 16, 32]
    assert len(classifier_names()) > 70


@given(
    small=st.floats(6, 200),
    ratio=st.floats(1, 8),
    where=st.floats(0, 1),
    per_octave=st.sampled_from([2, 3]),
    pyramid=st.booleans(),
)
def test_every_object_has_an_anchor_of_its_size(small, ratio, where, per_octave, pyramid):
    """Anchors per octave n: none is further off than a factor of 2 ** (1 / 2n)."""
    sizes = ObjectSizes(small_px=small, large_px=small * ratio, aspects=(1.0, 1.0, 1.0))
    strides = (4, 8, 16, 32, 64) if pyramid else (16,)
    layout = lay_out(sizes, strides, per_octave=per_octave)
    wanted = small * ratio**where * layout.zoom
    anchors = np.array([size for level in layout.sizes for size in level])
    off = np.exp(np.abs(np.log(anchors / wanted)).min())
    assert off <= 2 ** (0.5 / per_octave) * 1.01
    if 0.25 < layout.zoom < 4:
        assert small * layout.zoom / strides[0] >= 4 / 1.01
        assert small * layout.zoom / strides[0] <= 16 * 1.01


def test_sizes_and_aspects_counted_by_hand():
    boxes = np.array([[0, 0, 10, 40]] * 10 + [[0, 0, 40, 40]] * 10, float)
    sizes = measure_objects(boxes)
    assert (sizes.small_px, sizes.large_px) == (20, 40)
    assert sizes.aspects == (1, 2.5, 4)
    layout = lay_out(sizes, (4, 8), per_octave=1)
    assert layout.zoom == 1  # 20 px are 5 cells of 4
    assert layout.sizes == ((20,), (40,))
    assert layout.aspects == (1, 2.5, 4)
    assert lay_out(sizes, (16,), per_octave=1).zoom == 3.2  # 4 cells of 16 px are 64 px
    assert lay_out(sizes, (16,), per_octave=1, zoom=2.0).zoom == 2
    assert measure_objects(np.zeros((0, 4))) is None


def squares():
    """Two squares, a crowd and one that is barely there."""

    def square(x, class_index, **changes):
        return ObjectExample(
            class_index=class_index,
            box_xyxy=np.array([x, 8.0, x + 20, 28]),
            mask=np.ones((20, 20), bool),
            mask_corner=(x, 8),
            **changes,
        )

    objects = (
        square(4, 0),
        square(30, 1),
        square(60, 0, crowd=True, ignored=True),
        square(90, 1, ignored=True),
    )
    image = np.full((64, 128, 3), 90, np.uint8)
    return DetectionExample(image=image, objects=objects)


@pytest.mark.parametrize(("name", "labels"), [("mask_rcnn", [1, 2]), ("retinanet", [0, 1])])
def test_targets_of_torchvisions_detectors(name, labels):
    network = open_network(
        ModelSpec(name=name, backbone="resnet18"), task="detection", class_count=2, input_px=64
    )
    (target,) = network.batch([squares()], [rng()]).targets
    assert target["boxes"].tolist() == [[4, 8, 24, 28], [30, 8, 50, 28]]
    assert target["labels"].tolist() == labels
    if name == "mask_rcnn":
        assert target["masks"].shape == (2, 64, 128)
        assert target["masks"].sum(dim=(1, 2)).tolist() == [400, 400]
        assert target["masks"][1, 8:28, 30:50].all()


def test_truth_of_semantic_segmentation():
    over = ObjectExample(
        class_index=1,
        box_xyxy=np.array([14.0, 8, 34, 28]),
        mask=np.ones((20, 20), bool),
        mask_corner=(14, 8),
    )
    example = squares()
    example = DetectionExample(image=example.image, objects=(*example.objects, over))
    network = open_network(
        ModelSpec(name="unet", backbone="resnet18"), task="semantic", class_count=2, input_px=64
    )
    classes = network.batch([example], [rng()]).classes[0].numpy()
    row = classes[16]
    assert row[4:14].tolist() == [1] * 10
    assert row[14:34].tolist() == [2] * 20  # the later one is on top
    assert row[60:80].tolist() == [255] * 20
    assert row[90:110].tolist() == [2] * 20  # cut-off objects are still there to see
    assert (classes[40:] == 0).all()


@pytest.mark.parametrize("name", ["unet", "fpn", "fcn", "deeplabv3", "lraspp"])
def test_segmenters_answer_for_every_pixel(name):
    network = check("semantic", 64, name=name, backbone="mobilenet_v3_small")
    module = network.build()
    losses = network.losses(module.train(), network.batch([wide()] * 2, [rng()] * 2))
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in module.parameters())
    classes = network.class_map(module.eval(), squares().image[:50, :77])
    assert classes.shape == (50, 77)
    assert set(np.unique(classes)) <= {0, 1, 2}


def wide():
    example = squares()
    return DetectionExample(image=example.image[:, :64].copy(), objects=example.objects[:2])


@pytest.mark.parametrize(
    ("name", "fpn"),
    [
        *(("faster_rcnn", False), ("mask_rcnn", True), ("retinanet", False), ("retinanet", True)),
        *(("fcos", True), ("ssd", True), ("ssdlite", True)),
    ],
)
def test_detectors_learn_from_any_picture(name, fpn):
    """Also from one without objects; objects come back inside the picture."""
    network = open_network(
        ModelSpec(name=name, backbone="squeezenet1_1", fpn=fpn, width=0.25),
        task="detection",
        class_count=2,
        input_px=64,
        objects=ObjectSizes(small_px=20, large_px=20, aspects=(1, 1, 1)),
    )
    module = network.build().train()
    empty = DetectionExample(image=wide().image, objects=())
    losses = network.losses(module, network.batch([wide(), empty], [rng()] * 2))
    sum(losses.values()).backward()
    assert all(torch.isfinite(part) for part in losses.values())
    found = network.detect(module.eval(), wide().image[:50], with_masks=network.makes_masks)
    for item in found.objects:
        assert item.class_index in (0, 1)
        assert (item.box_xyxy >= 0).all()
        assert (item.box_xyxy[[0, 2]] <= 64).all()
        assert (item.box_xyxy[[1, 3]] <= 50).all()
        assert (item.mask is not None) == network.makes_masks


def faster_rcnn(**keys):
    return open_network(
        ModelSpec(name="faster_rcnn", backbone="squeezenet1_1", width=0.25, **keys),
        task="detection",
        class_count=2,
        input_px=64,
        objects=ObjectSizes(small_px=20, large_px=20, aspects=(1, 1, 1)),
    )


def test_rcnn_keeps_its_maps_channels_last():
    network = faster_rcnn()
    module = network.build().train()
    maps = []
    module.backbone.register_forward_hook(lambda _, __, found: maps.extend(found.values()))
    network.losses(module, network.batch([wide()] * 2, [rng()] * 2))
    assert maps
    assert all(x.is_contiguous(memory_format=torch.channels_last) for x in maps)


@pytest.mark.parametrize("regions", [8, 48])
def test_rcnn_learns_from_so_many_regions_of_a_picture(regions):
    network = faster_rcnn(regions=regions)
    module = network.build().train()
    seen = []
    module.roi_heads.box_head.register_forward_hook(lambda _, given, __: seen.append(len(given[0])))
    network.losses(module, network.batch([wide()] * 2, [rng()] * 2))
    assert seen == [2 * regions]


def test_rcnn_draws_them_from_so_many_proposals():
    network = faster_rcnn(proposals=12, regions=8)
    module = network.build().train()
    seen = []
    module.roi_heads.register_forward_pre_hook(
        lambda _, given: seen.extend(len(boxes) for boxes in given[1])
    )
    network.losses(module, network.batch([wide()] * 2, [rng()] * 2))
    assert seen == [12, 12]


@pytest.mark.parametrize(("fraction", "positives"), [(0.25, 4), (0.75, 12)])
def test_at_most_so_many_of_them_show_an_object(fraction, positives):
    module = faster_rcnn(regions=16, positive_fraction=fraction).build().train()
    box, elsewhere = torch.tensor([[8.0, 8, 28, 28]]), torch.tensor([[40.0, 40, 60, 60]])
    proposals = [torch.cat([box.expand(30, 4), elsewhere.expand(30, 4)])]
    targets = [{"boxes": box, "labels": torch.tensor([1])}]
    labels = module.roi_heads.select_training_samples(proposals, targets)[2][0]
    assert (len(labels), int((labels > 0).sum())) == (16, positives)


def test_regions_are_for_networks_that_have_some():
    with pytest.raises(SpecError, match="regions"):
        check("detection", 64, name="compact_detector", regions=64)
    old = ModelSpec(name="faster_rcnn").model_dump()
    assert not {"regions", "proposals", "positive_fraction"} & old.keys(), "names of old cells"
