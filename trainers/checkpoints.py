"""Checkpoints: tensors and plain values only, so that reading one runs no code."""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from pipeline.errors import CheckpointError, DatasetError, SpecError
from pipeline.formats.storage import write_bytes_atomic
from pipeline.records.keypoints import RigidPoints
from pipeline.records.predictions import Task
from pipeline.specs.training import ModelSpec
from trainers.networks.network import AnyNetwork
from trainers.networks.registry import open_network
from trainers.networks.sizes import ObjectSizes

__all__ = [
    "MODEL_FILE",
    "Checkpoint",
    "checkpoint_of",
    "load_plain",
    "read_checkpoint",
    "write_checkpoint",
]

MODEL_FILE = "model.pt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A trained network, as it stands in ``model.pt``.

    Attributes:
        model: What to build.
        categories: Names by class index.
        state: Weights and buffers by name: their moving average.
        has_masks: Whether masks were trained, not boxes alone.
        input_px: Side of the training pictures.
        spec_sha256: Of the run's ``train.json``.
        step: Optimiser steps taken.
        seed: The run's.
        objects: Sizes of objects that the network is laid out for, where that matters.
        keypoints: Names of the keypoints of every class; empty where none are learned.
        rigid_points: Where these are on the objects, by class; None where that is not known.
    """

    model: ModelSpec
    categories: tuple[str, ...]
    task: Task
    state: dict[str, Tensor]
    has_masks: bool
    input_px: int
    spec_sha256: str
    step: int
    seed: int
    objects: ObjectSizes | None = None
    keypoints: tuple[tuple[str, ...], ...] = ()
    rigid_points: tuple[RigidPoints | None, ...] = ()

    def network(self) -> AnyNetwork:
        """What was trained."""
        return open_network(
            self.model,
            task=self.task,
            class_count=len(self.categories),
            input_px=self.input_px,
            objects=self.objects,
            keypoint_count=max(map(len, self.keypoints), default=0),
        )

    def module(self, device: torch.device) -> nn.Module:
        """The network with its weights, ready to predict."""
        module = self.network().build()
        module.load_state_dict(self.state)
        return module.to(device).eval()

    def check_keypoints(self, keypoints: Mapping[str, tuple[str, ...]], source: Path) -> None:
        """Compare the names of keypoints by category with those that were learned.

        Raises:
            DatasetError: If a category has others.
        """
        for category, names in zip(self.categories, self.keypoints, strict=False):
            wanted = keypoints.get(category, names)
            if wanted != names:
                raise DatasetError(
                    f"{source}: {category} has {len(wanted)} keypoints, {', '.join(wanted[:3])} "
                    f"...; the network has learned {len(names)}, {', '.join(names[:3])} .... They "
                    "must be the same in the same order."
                )


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write whole or not at all."""
    document = {name: getattr(checkpoint, name) for name in Checkpoint.__slots__}
    document["model"] = checkpoint.model.model_dump(mode="json")
    document["objects"] = checkpoint.objects and asdict(checkpoint.objects)
    document["rigid_points"] = [points and asdict(points) for points in checkpoint.rigid_points]
    buffer = io.BytesIO()
    torch.save(document, buffer)
    write_bytes_atomic(path, buffer.getvalue())


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, or that of a run folder.

    Raises:
        CheckpointError: If there is none, or it is something else, or it carries code.
    """
    path = path / MODEL_FILE if path.is_dir() else path
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file; expected the checkpoint of a finished run.")
    return checkpoint_of(load_plain(path), path)


def checkpoint_of(document: dict[str, Any], path: Path) -> Checkpoint:
    """The checkpoint that a file holds.

    Raises:
        CheckpointError: If it holds something else.
    """
    try:
        objects = document.get("objects")
        checkpoint = Checkpoint(
            model=ModelSpec.model_validate(document["model"]),
            categories=tuple(document["categories"]),
            task=document["task"],
            state=document["state"],
            has_masks=document["has_masks"],
            input_px=document["input_px"],
            spec_sha256=document["spec_sha256"],
            step=document["step"],
            seed=document["seed"],
            objects=None if objects is None else ObjectSizes(**objects),
            keypoints=tuple(tuple(names) for names in document.get("keypoints", ())),
            rigid_points=tuple(
                None if points is None else RigidPoints(**points)
                for points in document.get("rigid_points", ())
            ),
        )
        checkpoint.module(torch.device("cpu"))
    except (
        KeyError,
        TypeError,
        ValidationError,
        ValueError,
        RuntimeError,
        SpecError,
    ) as error:
        raise CheckpointError(
            f"{path}: not a checkpoint of blendgap, or one of another version ({_line(error)}); "
            "train it again."
        ) from error
    return checkpoint


def load_plain(path: Path) -> dict[str, Any]:
    """Load a file of tensors and plain values.

    Raises:
        CheckpointError: If it is something else, or carries code.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about foreign pickles, which end up refused
            document = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: refused, since it holds more than tensors and plain values (loading it could "
            "run code); expected a checkpoint written by `blendgap train`, or a state dict."
        ) from error
    except (OSError, RuntimeError) as error:
        raise CheckpointError(f"{path}: not a checkpoint ({_line(error)}).") from error
    except Exception as error:  # bytes that are no pickle end in whatever they look like
        raise CheckpointError(
            f"{path}: not a checkpoint; expected a file that `blendgap train` or torch.save wrote."
        ) from error
    if not isinstance(document, dict):
        raise CheckpointError(f"{path}: got a {type(document).__name__}; expected a checkpoint.")
    return document


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
