"""Paint two datasets with every label and write them in every format: `write_exports.py DIR`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from painting import EVERY_LABEL, paint_dataset

from pipeline.formats.annotated import read_splits
from pipeline.formats.exports import FORMATS, export_pictures
from pipeline.specs.scene import SequenceSpec

FRAMES = 40


def main(folder: Path) -> None:
    paint_dataset(
        folder / "dataset", frames=FRAMES, labels=EVERY_LABEL.model_copy(update={"flow": False})
    )
    paint_dataset(
        folder / "dataset_video",
        frames=FRAMES,
        seed=1,
        labels=EVERY_LABEL,
        sequence=SequenceSpec(frames=10, fps=15),
    )
    for name in FORMATS:
        source = "dataset_video" if name == "mot" else "dataset"
        export_pictures(read_splits(folder / source), folder / name, to=name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
