"""From an id pass to instance labels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from pipeline.geometry.masks import rle_of_pixels
from pipeline.records.annotations import InstanceLabel
from pipeline.records.scene import SampledInstance

__all__ = ["label_instances"]


def label_instances(
    ids: npt.NDArray[np.uint16],
    instances: Iterable[SampledInstance],
    *,
    min_visible_px: int,
) -> tuple[InstanceLabel, ...]:
    """Label every instance that shows at least one pixel.

    Args:
        ids: (H, W) instance id of every pixel, 0 is background.
        instances: What was put into the scene.
        min_visible_px: Instances with fewer pixels are marked as crowd.

    Returns:
        Labels by ascending ``instance_id``; hidden instances have none.

    Raises:
        ValueError: If the pass holds an id that no instance has.
    """
    known = {instance.instance_id: instance for instance in instances}
    height, width = ids.shape
    by_column = ids.ravel(order="F")
    occupied = np.flatnonzero(by_column)
    # One stable sort groups the pixels by instance, each group in COCO's column order.
    pixels = occupied[np.argsort(by_column[occupied], kind="stable")]
    seen, starts = np.unique(by_column[pixels], return_index=True)
    strange = sorted(set(seen.tolist()) - known.keys())
    if strange:
        raise ValueError(f"The id pass holds {strange[:5]}; the scene has no such instances.")
    labels = []
    for instance_id, own in zip(seen.tolist(), np.split(pixels, starts)[1:], strict=True):
        columns, rows = np.divmod(own, height)
        labels.append(
            InstanceLabel(
                instance_id=instance_id,
                category=known[instance_id].category,
                box_xyxy=(
                    float(columns[0]),
                    float(rows.min()),
                    float(columns[-1] + 1),
                    float(rows.max() + 1),
                ),
                area_px=own.size,
                rle=rle_of_pixels(own, image_hw=(height, width)),
                iscrowd=own.size < min_visible_px,
            )
        )
    return tuple(labels)
