"""What a frame of each scene family costs, against one of the primitives.

    python benchmarks/bench_families.py [--frames 12] [--side 480] [--labels] [--only nuts meshes]
        [--spec my.yaml ...]

Every family renders with one worker on one and the same core, all from `draft` specs of the same
size with masks and boxes; frames alternate between the families, so that a machine that drifts
drifts for all. A frame's cost is the CPU time of its worker, denoising included; the figures to
quote are the ratios of rates, mean cost of the primitives over the family's: of `primitives` as
it is by default, and of `examples/primitives-plain.yaml`, the scene by which speed is measured.
`meshes` renders eight models of 27,000 triangles each; a spec given with `--spec` is one row more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from blender_scenes.generate import resolve_spec
from blender_scenes.job import Job, Reply
from blender_scenes.nuts.bodies import body_of
from blender_scenes.nuts.scene import Form, Skin
from blender_scenes.pool import RenderPool
from blender_scenes.registry import FAMILIES
from pipeline.dataset.layout import DatasetLayout
from pipeline.formats.ply import encode_ply
from pipeline.specs.document import load_spec
from pipeline.specs.scene import AssetSpec, ImageSpec, LabelSpec, RenderSpec, SceneSpec

YARDSTICKS = ("primitives", "primitives-plain")
PLAIN = Path(__file__).parents[1] / "examples" / "primitives-plain.yaml"
MODELS = 8
Row = tuple[Path, SceneSpec]
MORE_LABELS = LabelSpec(amodal=True, keypoints=True, poses=True)


def write_models(folder: Path) -> None:
    """Lumpy closed models, 0.1 m long, of 27,000 triangles each."""
    skin = Skin(tone=0.5, brightness=1.0, roughness=0.5, wear=0.0, seed=1)
    for number in range(MODELS):
        form = Form(kind="fig", size_m=(0.1, 0.08, 0.07), taper=0.3, waist=0.0, bend=0.0,
                    wrinkles=1.0, stalk=0.3, seed=number)  # fmt: skip
        shape = body_of(form, skin, rings=120, segments=114)
        (folder / f"lump-{number}.ply").write_bytes(encode_ply(shape.vertices_m, shape.triangles))


def family_spec(name: str, *, models: Path) -> SceneSpec:
    """The family as it is by default."""
    assets = AssetSpec(models=models, unit="m") if name == "meshes" else AssetSpec()
    return SceneSpec(scene=name, frames=1, assets=assets)


class Turns:
    """Lets pools that run side by side render one frame each in turn."""

    def __init__(self, count: int) -> None:
        self._may_go = [threading.Semaphore(0) for _ in range(count)]

    def begin(self) -> None:
        """Give the first pool its turn."""
        self._may_go[0].release()

    def wait(self, pool: int) -> None:
        """Wait for a pool's turn."""
        self._may_go[pool].acquire()

    def pass_on(self, pool: int) -> None:
        """End a pool's turn."""
        self._may_go[(pool + 1) % len(self._may_go)].release()


def measure(specs: Sequence[Row], *, frames: int) -> list[list[float]]:
    """CPU seconds of each frame of each spec; one frame more warms each worker up."""
    turns = Turns(len(specs))
    seconds: list[list[float]] = [[] for _ in specs]

    def render(pool: int, source: Path, spec: SceneSpec, folder: Path) -> None:
        def heard(reply: Reply) -> None:
            seconds[pool].append(reply.seconds["cpu"])
            if len(seconds[pool]) > 1:
                turns.pass_on(pool)
            if len(seconds[pool]) <= frames:
                turns.wait(pool)

        DatasetLayout(folder).create()
        job = Job(spec=resolve_spec(spec, source=source), source=source, dataset=folder, cpu=None)
        RenderPool(job, workers=1).run(range(frames + 1), heard)

    with tempfile.TemporaryDirectory() as scratch:
        threads = [
            threading.Thread(target=render, args=(pool, source, spec, Path(scratch) / str(pool)))
            for pool, (source, spec) in enumerate(specs)
        ]
        for thread in threads:
            thread.start()
        turns.begin()
        for thread in threads:
            thread.join()
    return [each[1:] for each in seconds]


def rows(names: Sequence[str], more: Sequence[Path], *, models: Path) -> dict[str, Row]:
    """Source and spec by the name that stands in the table, yardsticks first."""
    found = {
        YARDSTICKS[0]: (PLAIN, family_spec(YARDSTICKS[0], models=models)),
        YARDSTICKS[1]: (PLAIN, load_spec(PLAIN, SceneSpec)),
    }
    for name in names:
        found.setdefault(name, (PLAIN, family_spec(name, models=models)))
    return found | {path.name: (path, load_spec(path, SceneSpec)) for path in more}


def main() -> None:
    """Print one line per family, then a JSON summary."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--side", type=int, default=480)
    parser.add_argument("--labels", action="store_true", help="amodal, keypoints and poses, too")
    parser.add_argument("--spec", type=Path, nargs="*", default=[])
    parser.add_argument("--only", nargs="*", default=list(FAMILIES), choices=list(FAMILIES))
    arguments = parser.parse_args()
    same = {
        "image": ImageSpec(width=arguments.side, height=arguments.side),
        "render": RenderSpec(preset="draft", device="cpu"),
        "labels": MORE_LABELS if arguments.labels else LabelSpec(),
        "seed": 0,
    }
    with tempfile.TemporaryDirectory() as models:
        write_models(Path(models))
        table = rows(arguments.only, arguments.spec, models=Path(models))
        specs = [(source, spec.model_copy(update=same)) for source, spec in table.values()]
        seconds = dict(zip(table, measure(specs, frames=arguments.frames), strict=True))
    means = {name: statistics.mean(each) for name, each in seconds.items()}
    rates = {
        name: {yardstick: round(means[yardstick] / mean, 3) for yardstick in YARDSTICKS}
        for name, mean in means.items()
    }
    for name, each in seconds.items():
        compared = ", ".join(f"{rate:.2f} x {of}" for of, rate in rates[name].items())
        print(  # noqa: T201
            f"{name:20} {1000 * means[name]:6.0f} ms "
            f"({1000 * min(each):.0f} ... {1000 * max(each):.0f}); rate {compared}"
        )
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    print(  # noqa: T201
        json.dumps(
            {
                "rates": rates,
                "frames": arguments.frames,
                "commit": commit.stdout.strip(),
                "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            }
        )
    )


if __name__ == "__main__":
    main()
