"""Pictures that look alike: perceptual hashes, and the pairs of them that are close.

The hash of a picture holds the signs of its 255 slowest cosine waves but the constant one,
each against their median (the DCT hash of Zauner, "Implementation and benchmarking of perceptual
image hash functions", 2010, at 16 x 16). Two pictures are near duplicates where at most 16 bits
differ: copies that were compressed again, resized, brightened, shifted by a pixel or two or
given some noise. Unrelated pictures differ in about 127 bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

__all__ = ["NearDuplicates", "find_near_duplicates", "picture_hash"]

Hash = npt.NDArray[np.bool_]
Pairs = npt.NDArray[np.int64]  # (P, 2)

_THUMBNAIL = 64
_WAVES = 16
_LEAST_AMPLITUDE = 1.0  # of a wave, grey levels: weaker ones are noise
# What differs in 16 bits at most agrees in one of 17 bands at least.
_BANDS, _BAND_BITS = 17, 15
_LIMIT_BITS = 16
_MOST_NEIGHBOURS = 64
_LISTED = 50
_BITS_SET = (
    np.unpackbits(np.arange(2**16, dtype=np.uint16).view(np.uint8))
    .reshape(-1, 16)
    .sum(axis=1, dtype=np.uint8)
)


class NearDuplicates(BaseModel):
    """Pictures of which another one is nearly a copy.

    Attributes:
        limit_bits: Pairs differ in at most so many of 255 bits.
        pictures: How many have a near duplicate.
        pairs: How many pairs there are.
        closest: Their two frames and the bits that differ; the closest pairs, 50 at most.
        within_sequences: Whether pictures of one sequence, alike by nature, were compared.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit_bits: int = _LIMIT_BITS
    pictures: int
    pairs: int
    closest: tuple[tuple[int, int, int], ...]
    within_sequences: bool = True


def picture_hash(picture: npt.NDArray[np.uint8]) -> Hash:
    """The (255,) bits of a (H, W) or (H, W, 3) picture, the order of channels being no matter."""
    grey = picture.astype(np.float32)
    grey = grey if grey.ndim == 2 else grey.mean(axis=2)
    thumbnail = cv2.resize(grey, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    waves = np.asarray(cv2.dct(thumbnail))[:_WAVES, :_WAVES].ravel()[1:]
    waves = np.where(np.abs(waves) < _LEAST_AMPLITUDE, 0, waves)
    return np.asarray(waves > np.median(waves))


def find_near_duplicates(
    hashes: Sequence[Hash], frames: Sequence[int], *, sequence_frames: int | None = None
) -> NearDuplicates:
    """All pairs that differ in few bits, in time that grows hardly faster than their number.

    Pictures are sorted by each of 17 parts of the hash, and neighbours that agree in that part
    are compared (multi-index hashing: Norouzi, Punjani & Fleet, CVPR 2012). Among more than 64
    pictures that agree in a part, each is compared with the next 64 only: where so many look
    alike, some pairs stay uncounted.

    Args:
        hashes: One per picture.
        frames: Their numbers, ascending.
        sequence_frames: Pictures of one sequence; pairs within one are left out.
    """
    count = len(hashes)
    bits = np.array(hashes, dtype=bool).reshape(count, _BANDS, _BAND_BITS)
    words = np.packbits(bits.reshape(count, _BANDS * _BAND_BITS), axis=1).view(np.uint16)
    pairs: Pairs = np.empty((0, 2), np.int64)
    for band in range(_BANDS):
        keys = bits[:, band] @ (1 << np.arange(_BAND_BITS))
        order = np.lexsort((*words.T, keys))
        keys = keys[order]
        close = [pairs]
        for step in range(1, min(_MOST_NEIGHBOURS + 1, count)):
            alike = np.flatnonzero(keys[step:] == keys[:-step])
            if not alike.size:
                break
            found = np.stack([order[alike], order[alike + step]], axis=1)
            found = found[_distances(words, found) <= _LIMIT_BITS]
            close.append(np.sort(found, axis=1))
        pairs = _distinct(np.concatenate(close), count)
    numbers = np.array(frames, dtype=np.int64)
    if sequence_frames is not None:
        sequences = numbers[pairs] // sequence_frames
        pairs = pairs[sequences[:, 0] != sequences[:, 1]]
    distances = _distances(words, pairs)
    closest = np.argsort(distances, kind="stable")[:_LISTED]
    return NearDuplicates(
        pictures=np.unique(pairs).size,
        pairs=len(pairs),
        closest=tuple(
            (int(first), int(second), int(distance))
            for (first, second), distance in zip(
                numbers[pairs[closest]], distances[closest], strict=True
            )
        ),
        within_sequences=sequence_frames is None,
    )


def _distances(words: npt.NDArray[np.uint16], pairs: Pairs) -> npt.NDArray[np.int64]:
    """(P,) bits in which the two of each pair differ."""
    differing = _BITS_SET[words[pairs[:, 0]] ^ words[pairs[:, 1]]]
    return np.asarray(differing.sum(axis=1, dtype=np.int64))


def _distinct(pairs: Pairs, count: int) -> Pairs:
    """In ascending order; one number for each pair sorts faster than two."""
    return np.stack(np.divmod(np.unique(pairs[:, 0] * count + pairs[:, 1]), count), axis=1)
