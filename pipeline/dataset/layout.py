"""Where things are in a dataset folder (docs/formats.md)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["DatasetLayout"]


@dataclass(frozen=True, slots=True)
class DatasetLayout:
    """Paths inside one dataset folder; frames are named by index, ``000017``."""

    folder: Path

    @property
    def manifest(self) -> Path:
        """Spec, seed, versions, hashes, counts, times."""
        return self.folder / "manifest.json"

    @property
    def card(self) -> Path:
        """What a person should know about the dataset."""
        return self.folder / "card.md"

    @property
    def statistics(self) -> Path:
        """What labels and pictures are like, in numbers."""
        return self.folder / "statistics.json"

    @property
    def statistics_picture(self) -> Path:
        """The statistics, drawn."""
        return self.folder / "statistics.png"

    @property
    def audit(self) -> Path:
        """What an audit of the labels found."""
        return self.folder / "audit.json"

    @property
    def annotations(self) -> Path:
        """The COCO file."""
        return self.folder / "annotations" / "instances.json"

    @property
    def hashes(self) -> Path:
        """SHA-256 of every file, for ``sha256sum -c``."""
        return self.folder / "files.sha256"

    @property
    def frames(self) -> Path:
        """The frame records."""
        return self.folder / "frames"

    def image(self, frame: int, suffix: str) -> Path:
        """The picture of a frame; ``suffix`` is ``png`` or ``jpg``."""
        return self.folder / "images" / f"{frame:06d}.{suffix}"

    def ids(self, frame: int) -> Path:
        """The id pass, 16-bit PNG."""
        return self.folder / "passes" / f"{frame:06d}.ids.png"

    def depth(self, frame: int) -> Path:
        """The depth pass, float32 metres."""
        return self.folder / "passes" / f"{frame:06d}.depth.npy"

    def semantic(self, frame: int) -> Path:
        """The category ids of the pixels, 16-bit PNG, 0 is background."""
        return self.folder / "passes" / f"{frame:06d}.semantic.png"

    def normals(self, frame: int) -> Path:
        """The surface normals, float16, camera axes."""
        return self.folder / "passes" / f"{frame:06d}.normals.npy"

    def flow(self, frame: int) -> Path:
        """The forward optical flow, float32 px."""
        return self.folder / "passes" / f"{frame:06d}.flow.npy"

    def model(self, name: str) -> Path:
        """An object's surface, binary PLY in metres, named by its contents."""
        return self.folder / "models" / f"{name}.ply"

    @property
    def models_info(self) -> Path:
        """BOP's facts about the models, by name: symmetries, ..."""
        return self.folder / "models" / "models_info.json"

    def record(self, frame: int) -> Path:
        """The frame record; a frame that has one is done."""
        return self.frames / f"{frame:06d}.json"

    def create(self) -> None:
        """Make the folders."""
        for name in ("images", "annotations", "frames", "passes"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def relative(self, path: Path) -> str:
        """``path`` as it stands in records and the manifest."""
        return path.relative_to(self.folder).as_posix()
