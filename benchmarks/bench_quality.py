"""What the presets give for their time: PSNR against 512 samples per pixel, and frames per minute.

    python benchmarks/bench_quality.py [--spec examples/primitives-plain.yaml examples/coins.yaml]
        [--scenes 6] [--samples 1 2 8] [--frames 24] [--cache /tmp/blendgap-references]

PSNR is that of the light before the sensor, sRGB-encoded and clipped to [0, 1] in floating point,
the mean over the scenes. The reference has 512 samples, no denoiser, 12 bounces and another seed;
it takes minutes a scene and is kept in --cache. Rates are those of one worker per core.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from bench_render import measure

from blender_scenes.engine import Engine, clear_scene
from blender_scenes.generate import resolve_spec
from blender_scenes.registry import find_family
from pipeline.records.scene import SampledScene
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.document import load_spec
from pipeline.specs.scene import RenderSpec, SceneSpec

PRESETS = ("draft", "standard", "photo")
REFERENCE = RenderSpec(samples=512, device="cpu")
REFERENCE_BOUNCES = (12, 4, 4)
REFERENCE_SEED = 2**30

Light = npt.NDArray[np.float32]


def psnr(light: Light, reference: Light) -> float:
    """Peak signal-to-noise ratio [dB] of two linear pictures as a screen would show them."""
    error = _srgb(light) - _srgb(reference)
    return float(-10 * np.log10(np.mean(error**2)))


def _srgb(light: Light) -> npt.NDArray[np.float64]:
    linear = np.clip(light.astype(np.float64), 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def sampled_scenes(spec: SceneSpec, count: int) -> list[SampledScene]:
    """The first scenes of a spec."""
    family = find_family(spec.scene, source="bench")
    bound = bind_factors(family.factors, spec.factors, source=Path("bench"))
    assert spec.image is not None
    return [
        family.sample(FactorDraws(bound, FrameSeeds(seed=spec.seed, frame=frame)), image=spec.image)
        for frame in range(count)
    ]


def render_all(
    spec: SceneSpec, scenes: list[SampledScene], render: RenderSpec, *, reference: bool = False
) -> tuple[list[Light], list[float]]:
    """Pictures of the scenes, and CPU seconds of their rendering."""
    family = find_family(spec.scene, source="bench")
    build = importlib.import_module(family.build_module).build
    engine = Engine(
        render,
        max_bounces=REFERENCE_BOUNCES if reference else family.max_bounces,
        denoise=family.denoise and not reference,
    )
    pictures, seconds = [], []
    for scene in scenes:
        clear_scene()
        build(scene, {})
        started = time.process_time()
        noise_seed = scene.frame + (REFERENCE_SEED if reference else 0)
        pictures.append(engine.render(scene, noise_seed=noise_seed).light)
        seconds.append(time.process_time() - started)
    return pictures, seconds


def references(spec: SceneSpec, scenes: list[SampledScene], cache: Path) -> list[Light]:
    """Reference pictures, rendered where they are not in the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    found = []
    for scene in scenes:
        key = hashlib.sha256(scene.model_dump_json().encode()).hexdigest()[:16]
        path = cache / f"{spec.scene}-{key}.npy"
        if not path.is_file():
            (picture,), _ = render_all(spec, [scene], REFERENCE, reference=True)
            np.save(path, picture)
        found.append(np.load(path))
    return found


def main() -> None:
    """Measure every preset on every spec; one line each, then a JSON summary."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    examples = Path(__file__).parent.parent / "examples"
    default = [examples / "primitives-plain.yaml", examples / "coins.yaml"]
    parser.add_argument("--spec", type=Path, nargs="+", default=default)
    parser.add_argument("--scenes", type=int, default=6)
    parser.add_argument("--samples", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--cache", type=Path, default=Path("/tmp/blendgap-references"))
    arguments = parser.parse_args()
    workers = len(os.sched_getaffinity(0))
    renders = {f"{count} spp": RenderSpec(samples=count) for count in arguments.samples}
    renders |= {preset: RenderSpec(preset=preset) for preset in PRESETS}
    summary: dict[str, dict[str, dict[str, float]]] = {}
    for path in arguments.spec:
        spec = resolve_spec(load_spec(path, SceneSpec), source=path)
        scenes = sampled_scenes(spec, arguments.scenes)
        truth = references(spec, scenes, arguments.cache)
        summary[spec.scene] = {}
        for name, render in renders.items():
            pictures, cpu_s = render_all(spec, scenes, render)
            quality = [psnr(got, want) for got, want in zip(pictures, truth, strict=True)]
            rate, _ = measure(
                spec.model_copy(update={"render": render}),
                workers=workers,
                frames=arguments.frames,
            )
            summary[spec.scene][name] = {
                "samples": render.samples_per_pixel,
                "psnr_db": round(statistics.mean(quality), 2),
                "psnr_db_lowest": round(min(quality), 2),
                "cpu_s": round(statistics.median(cpu_s), 3),
                "frames_per_min": round(rate, 1),
            }
            print(spec.scene, name, summary[spec.scene][name], flush=True)  # noqa: T201
    print(json.dumps(summary))  # noqa: T201


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # bpy can crash at exit after its work is done
