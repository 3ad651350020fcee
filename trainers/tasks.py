"""What training needs to know of a task: its data, its network, its picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

import numpy as np
from torch import Tensor, nn

from pipeline.drawing import contact_sheet, draw_instances, read_rgb
from pipeline.errors import DatasetError
from pipeline.geometry.boxes import FloatArray
from pipeline.records.keypoints import RigidPoints
from pipeline.records.predictions import Task
from pipeline.specs.training import DataSource, TrainSpec
from trainers.augmentation.chance import Purpose, child
from trainers.augmentation.recipe import augment_crop, augment_small
from trainers.augmentation.trivial import mix_classes
from trainers.cache import ExampleCache
from trainers.datasets import ObjectSource, PictureSource, merge_categories
from trainers.examples import ByteImage, ClassExample, DetectionExample
from trainers.networks.network import AnyNetwork, Detector
from trainers.networks.registry import open_network
from trainers.networks.sizes import ObjectSizes, measure_objects
from trainers.pictures import list_pictures
from trainers.sampling import Sampler, Slot

__all__ = [
    "ClassificationTask",
    "CropTask",
    "DetectionTask",
    "KeypointNames",
    "KeypointPlaces",
    "SemanticTask",
    "TrainingTask",
]

_SHEET_TILES = 40


KeypointNames = tuple[tuple[str, ...], ...]
KeypointPlaces = tuple[RigidPoints | None, ...]


class _Example(Protocol):
    @property
    def size_bytes(self) -> int: ...


ExampleT = TypeVar("ExampleT", bound=_Example)
ExampleT_co = TypeVar("ExampleT_co", bound=_Example, covariant=True)


class _Source(Protocol[ExampleT_co]):
    sha256: str

    @property
    def categories(self) -> tuple[str, ...]: ...
    def __len__(self) -> int: ...
    def factors(self) -> FloatArray | None: ...
    def example(self, index: int, class_of: dict[str, int]) -> ExampleT_co: ...


SourceT = TypeVar("SourceT", bound=_Source[Any])


class TrainingTask(ABC, Generic[SourceT, ExampleT]):
    """One kind of training, as the loop sees it.

    Attributes:
        categories: Names; their order gives the class indices.
        data_sha256: One hash per data source.
        network: What is trained.
        has_masks: Whether it learns masks.
        keypoints: Names by class; empty where none are learned.
        rigid_points: Where they are on the objects, by class; None where nobody knows.
    """

    name: ClassVar[Task]

    def __init__(self, spec: TrainSpec, *, objects: ObjectSizes | None = None) -> None:
        """Open the data.

        Args:
            spec: The run.
            objects: Sizes that the network is laid out for; by default those of the data.
        """
        self._spec = spec
        self._sources = [self._open(source) for source in spec.data]
        self.categories = merge_categories(self._sources)
        self.data_sha256 = tuple(source.sha256 for source in self._sources)
        self.keypoints, self.rigid_points = self._list_keypoints()
        self._class_of = {name: index for index, name in enumerate(self.categories)}
        self._cache = ExampleCache[ExampleT]()
        self._sampler = Sampler(
            seed=spec.seed,
            batch_size=spec.batch_size,
            weights=[source.weight for source in spec.data],
            lengths=[len(source) for source in self._sources],
            factors=[source.factors() for source in self._sources],
        )
        self.network: AnyNetwork = open_network(
            spec.model,
            task=self.name,
            class_count=len(self.categories),
            input_px=spec.input_px,
            objects=objects or self._measure(),
            keypoint_count=max(map(len, self.keypoints), default=0),
        )
        self.has_masks = self._learns_masks()

    def batch(self, step: int, *, part: int = 0, parts: int = 1) -> Any:  # noqa: ANN401
        """The batch of a step, or one of ``parts`` shares: depends on the spec and these alone."""
        slots = self._sampler.slots(step)[part::parts]
        return self.network.batch(self._examples(slots), [slot.rng for slot in slots])

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:  # noqa: ANN401
        """Parts that add up to the loss."""
        return self.network.losses(module, batch)

    @abstractmethod
    def picture(self, step: int) -> ByteImage:
        """The step's batch with its labels, for people."""

    @abstractmethod
    def _open(self, source: DataSource) -> SourceT: ...

    def _examples(self, slots: Sequence[Slot]) -> list[ExampleT]:
        """The examples of a batch, changed at random."""
        return [self._example(slot) for slot in slots]

    @abstractmethod
    def _example(self, slot: Slot) -> ExampleT: ...

    def _list_keypoints(self) -> tuple[KeypointNames, KeypointPlaces]:
        return (), ()

    def _measure(self) -> ObjectSizes | None:
        return None

    def _learns_masks(self) -> bool:
        return False

    def _decoded(self, source: int, index: int) -> ExampleT:
        """An example as it is on disk."""
        key = (source, index)
        kept = self._cache.get(key)
        if kept is not None:
            return kept
        example = cast("ExampleT", self._sources[source].example(index, self._class_of))
        return self._cache.put(key, example, example.size_bytes)


class CropTask(TrainingTask[PictureSource, DetectionExample]):
    """Crops of pictures at their own scale."""

    def __init__(self, spec: TrainSpec, *, objects: ObjectSizes | None = None) -> None:
        super().__init__(spec, objects=objects)
        copy_paste = spec.augment.copy_paste
        if copy_paste is not None:
            for source, each in zip(self._sources, spec.data, strict=True):
                if not source.has_masks:
                    raise DatasetError(f"{each.path}: no masks; augment.copy_paste needs some.")
        folder = copy_paste and copy_paste.backgrounds
        self._backgrounds = list_pictures(folder) if folder else ()

    def picture(self, step: int) -> ByteImage:
        """See TrainingTask."""
        examples = self._examples(self._sampler.slots(step)[:_SHEET_TILES])
        return contact_sheet([self._drawn(example) for example in examples], columns=4)

    def _open(self, source: DataSource) -> PictureSource:
        return PictureSource(source)

    def _example(self, slot: Slot) -> DetectionExample:
        example = self._decoded(slot.source, slot.index)
        return augment_crop(
            example,
            self._spec.augmentations[slot.source],
            side_px=self._spec.input_px,
            rng=slot.rng,
            supply=self,
        )

    def example(self, rng: np.random.Generator) -> DetectionExample:
        """Any training picture, sources by their weight."""
        return self._decoded(*self._sampler.draw(rng))

    def background(self, rng: np.random.Generator) -> ByteImage:
        """Any of the pictures to paste objects onto."""
        return read_rgb(self._backgrounds[int(rng.integers(len(self._backgrounds)))])

    def _drawn(self, example: DetectionExample) -> ByteImage:
        height, width = example.image.shape[:2]
        masks = np.zeros((len(example.objects), height, width), dtype=bool)
        for whole, item in zip(masks, example.objects, strict=True):
            if item.mask is not None:
                x, y = item.mask_corner
                whole[y : y + item.mask.shape[0], x : x + item.mask.shape[1]] = item.mask
        labels = [
            "ignored" if item.ignored else self.categories[item.class_index]
            for item in example.objects
        ]
        boxes = np.array([item.box_xyxy for item in example.objects]).reshape(-1, 4)
        return draw_instances(example.image, boxes_xyxy=boxes, masks=masks, labels=labels)

    def _refuse_boxes_alone(self) -> None:
        for source, spec in zip(self._sources, self._spec.data, strict=True):
            if not source.has_masks:
                raise DatasetError(
                    f"{spec.path}: has boxes but no masks, which {self._spec.model.name} learns "
                    "from; choose another network or data with segmentations."
                )


class DetectionTask(CropTask):
    """Boxes, and masks where data and network have them."""

    name: ClassVar[Task] = "detection"

    def _measure(self) -> ObjectSizes | None:
        return measure_objects(np.concatenate([source.boxes_xyxy() for source in self._sources]))

    def _learns_masks(self) -> bool:
        assert isinstance(self.network, Detector)
        if self.network.needs_masks:
            self._refuse_boxes_alone()
        return self.network.makes_masks and any(source.has_masks for source in self._sources)


class SemanticTask(CropTask):
    """The class of every pixel, from instance masks."""

    name: ClassVar[Task] = "semantic"

    def _learns_masks(self) -> bool:
        self._refuse_boxes_alone()
        return True


class ClassificationTask(TrainingTask[ObjectSource, ClassExample]):
    """One class per picture."""

    name: ClassVar[Task] = "classification"

    def picture(self, step: int) -> ByteImage:
        """See TrainingTask."""
        examples = self._examples(self._sampler.slots(step))[:_SHEET_TILES]
        captions = [self._caption(example) for example in examples]
        images = [example.image for example in examples]
        return contact_sheet(images, columns=10, tile_hw=(64, 64), captions=captions)

    def _open(self, source: DataSource) -> ObjectSource:
        return ObjectSource(source, side_px=self._spec.input_px)

    def _example(self, slot: Slot) -> ClassExample:
        example = self._decoded(slot.source, slot.index)
        augment = self._spec.augmentations[slot.source]
        image = augment_small(example.image, augment, rng=slot.rng)
        return replace(example, image=image)

    def _examples(self, slots: Sequence[Slot]) -> list[ClassExample]:
        rng = child(slots[0].rng, Purpose.BATCH_MIX)
        return mix_classes(super()._examples(slots), self._spec.augment, rng)

    def _caption(self, example: ClassExample) -> str:
        """Classes by share, as ``one`` or ``one 70 %``, ``two 30 %`` below."""
        shares = dict(zip(self.categories, example.classes.tolist(), strict=True))
        present = sorted((name for name in shares if shares[name]), key=lambda name: -shares[name])
        if len(present) == 1:
            return present[0]
        return "\n".join(f"{name} {shares[name]:.0%}" for name in present)
