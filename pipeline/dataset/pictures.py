"""What the pictures of a dataset are like, whatever is labelled in them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from pipeline.dataset.duplicates import Hash, NearDuplicates, find_near_duplicates, picture_hash
from pipeline.dataset.histograms import Histogram, NumberSummary

__all__ = ["PictureStatistics", "PictureStatisticsBuilder"]


class PictureStatistics(BaseModel):
    """Light and likeness; None for no picture.

    Attributes:
        brightness: Mean of each picture, fraction of full scale.
        contrast: Standard deviation of each picture's pixels, likewise.
        near_duplicates: Pictures that look alike.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    brightness: NumberSummary | None
    contrast: NumberSummary | None
    near_duplicates: NearDuplicates


class PictureStatisticsBuilder:
    """Takes picture by picture; keeps 255 bytes of each.

    Args:
        sequence_frames: Pictures of one sequence, which are no duplicates of each other.
    """

    def __init__(self, *, sequence_frames: int | None = None) -> None:
        self._sequence_frames = sequence_frames
        self._brightness, self._contrast = Histogram(), Histogram()
        self._frames: list[int] = []
        self._hashes: list[Hash] = []

    def add(self, frame: int, picture: npt.NDArray[np.uint8]) -> None:
        """Take the (H, W) or (H, W, 3) picture of a frame; frames come in ascending order."""
        self._brightness.add(float(picture.mean()) / 255)
        self._contrast.add(float(picture.std()) / 255)
        self._frames.append(frame)
        self._hashes.append(picture_hash(picture))

    def statistics(self) -> PictureStatistics:
        """What was taken so far."""
        return PictureStatistics(
            brightness=self._brightness.summary(),
            contrast=self._contrast.summary(),
            near_duplicates=find_near_duplicates(
                self._hashes, self._frames, sequence_frames=self._sequence_frames
            ),
        )
