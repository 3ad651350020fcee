"""From an id pass to instance labels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import box_of_mask
from pipeline.geometry.masks import rle_of_mask
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
    areas_px = np.bincount(ids.ravel(), minlength=1)
    seen = np.flatnonzero(areas_px)
    strange = sorted(set(seen.tolist()) - known.keys() - {0})
    if strange:
        raise ValueError(f"The id pass holds {strange[:5]}; the scene has no such instances.")
    labels = []
    for instance_id in seen[seen > 0].tolist():
        mask = ids == instance_id
        x0, y0, x1, y1 = box_of_mask(mask).tolist()
        labels.append(
            InstanceLabel(
                instance_id=instance_id,
                category=known[instance_id].category,
                box_xyxy=(x0, y0, x1, y1),
                area_px=int(areas_px[instance_id]),
                rle=rle_of_mask(mask),
                iscrowd=bool(areas_px[instance_id] < min_visible_px),
            )
        )
    return tuple(labels)
