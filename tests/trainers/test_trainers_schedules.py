"""Schedules, optimisers and the moving average against torch's own and closed forms."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn
from torch.optim import lr_scheduler

from pipeline.specs.optimisation import OptimiserSpec, ScheduleSpec, ValidationSpec
from trainers.averaging import averaged_copy
from trainers.optimisers import open_optimiser
from trainers.schedules import rate_factor

STEPS = 50


def factors(schedule, warmup_steps=0):
    return [
        rate_factor(schedule, step, steps=STEPS, warmup_steps=warmup_steps) for step in range(STEPS)
    ]


def torchs(make):
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule, rates = make(optimiser), []
    for _ in range(STEPS):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return rates


@pytest.mark.parametrize(
    ("schedule", "reference"),
    [
        (ScheduleSpec(), lambda o: lr_scheduler.CosineAnnealingLR(o, STEPS)),
        (
            ScheduleSpec(name="cosine", final=0.1),
            lambda o: lr_scheduler.CosineAnnealingLR(o, STEPS, eta_min=0.1),
        ),
        (
            ScheduleSpec(name="linear", final=0.2),
            lambda o: lr_scheduler.LinearLR(o, 1.0, 0.2, STEPS),
        ),
        (
            ScheduleSpec(name="step", milestones=(0.4, 0.8), factor=0.3),
            lambda o: lr_scheduler.MultiStepLR(o, [20, 40], 0.3),
        ),
        (ScheduleSpec(name="constant"), lambda o: lr_scheduler.ConstantLR(o, 1.0)),
        (
            ScheduleSpec(name="one_cycle"),
            lambda o: lr_scheduler.OneCycleLR(o, 1.0, STEPS, cycle_momentum=False),
        ),
    ],
)
def test_schedules_are_torchs(schedule, reference):
    assert factors(schedule) == pytest.approx(torchs(reference), abs=1e-9)


def test_inverse_square_root_is_vaswanis():
    """d^-0.5 min(s^-0.5, s w^-1.5), relative to its peak at s = w."""
    found = factors(ScheduleSpec(name="inverse_sqrt"), warmup_steps=10)
    assert found[10:] == pytest.approx([math.sqrt(10 / step) for step in range(10, STEPS)])


@given(
    st.sampled_from(["cosine", "linear", "step", "inverse_sqrt", "constant"]), st.integers(0, 40)
)
def test_the_warm_up_is_linear_and_ends_at_the_peak(name, warmup):
    found = factors(ScheduleSpec(name=name, milestones=(0.9,)) if name == "step"
                    else ScheduleSpec(name=name), warmup_steps=warmup)  # fmt: skip
    end = min(warmup, STEPS // 2)
    assert found[:end] == pytest.approx([(k + 1) / (end + 1) for k in range(end)])
    assert found[end] == pytest.approx(1)
    assert max(found) == pytest.approx(1)
    assert all(a >= b for a, b in zip(found[end:], found[end + 1 :], strict=False))


@pytest.mark.parametrize(
    ("spec", "kind", "options"),
    [
        ({"name": "sgd", "momentum": 0.8}, torch.optim.SGD, {"momentum": 0.8}),
        ({"name": "sgd", "nesterov": True}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        ("adam", torch.optim.Adam, {}),
        ("adamw", torch.optim.AdamW, {}),
        ("rmsprop", torch.optim.RMSprop, {"momentum": 0.9}),
        ("adagrad", torch.optim.Adagrad, {}),
    ],
)
def test_optimisers_step_as_torchs(spec, kind, options):
    def walk(open_it):
        weight = nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
        optimiser = open_it([{"params": [weight], "lr": 0.01}])
        for _ in range(5):
            optimiser.zero_grad()
            weight.pow(4).sum().backward()
            optimiser.step()
        return weight.detach()

    spec = OptimiserSpec.model_validate(spec)
    found = walk(lambda groups: open_optimiser(spec, groups, weight_decay=0.05))
    wanted = walk(lambda groups: kind(groups, weight_decay=0.05, **options))
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=0)  # one kernel rounds less


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (OptimiserSpec, {"name": "adamw", "momentum": 0.5}, "adamw has no momentum"),
        (OptimiserSpec, {"name": "sgd", "momentum": 0, "nesterov": True}, "above 0"),
        (ScheduleSpec, {"name": "cosine", "factor": 0.5}, "cosine has no factor"),
        (ScheduleSpec, {"name": "step", "milestones": [0.9, 0.5]}, "rising"),
        (ValidationSpec, {"path": "x", "every_steps": 5, "split": "test"}, "blendgap evaluate"),
    ],
)
def test_what_makes_no_sense_is_refused(kind, value, words):
    with pytest.raises(ValidationError, match=words):
        kind.model_validate(value)


def test_the_average_follows_its_formula():
    network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    averaged = averaged_copy(network, decay=0.7)
    wanted = None
    for count in range(12):
        with torch.no_grad():
            network[0].weight.fill_(count**2)
            network[1].running_mean.fill_(-count)
            network[1].num_batches_tracked.fill_(count)
        averaged.update_parameters(network)
        decay = min(0.7, (1 + count) / (10 + count)) if count else 0  # the first is a copy
        wanted = count**2 if wanted is None else decay * wanted + (1 - decay) * count**2
        assert float(averaged.module[0].weight) == pytest.approx(wanted, rel=1e-5)
    assert averaged.module[1].num_batches_tracked == 11
    assert float(averaged.module[1].running_mean) < -5


def test_no_average_is_the_network_itself():
    network = nn.Linear(3, 2)
    averaged = averaged_copy(network, decay=0)
    for _ in range(3):
        with torch.no_grad():
            network.weight.normal_()
        averaged.update_parameters(network)
        assert torch.equal(averaged.module.weight, network.weight)
