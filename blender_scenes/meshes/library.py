"""A user's folder of models: what is in it, how large, which way up. No Blender."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from blender_scenes.blocks.pictures import PHOTOGRAPHS
from blender_scenes.meshes.prepared import Facts, Finish, prepare
from blender_scenes.meshes.references import check_references
from pipeline.errors import SpecError
from pipeline.formats.claims import load_json
from pipeline.geometry.boxes import FloatArray
from pipeline.records.predictions import sha256_of
from pipeline.specs.scene import AssetSpec

__all__ = ["MODELS", "Model", "models_of"]

MODELS = frozenset({".blend", ".glb", ".gltf", ".obj", ".ply", ".stl"})
"""Endings of files that can be objects."""

_PICTURES = PHOTOGRAPHS | {".tga", ".exr", ".hdr"}
_MAY_NAME: dict[str, frozenset[str]] = {
    ".blend": _PICTURES | {".blend"},
    ".gltf": _PICTURES | {".bin"},
    ".obj": _PICTURES | {".mtl"},
}
_UNITS_M = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_IN_METRES = frozenset({".blend", ".glb", ".gltf"})
_Y_UP = frozenset({".glb", ".gltf", ".obj"})
_SMALLEST_M, _LARGEST_M = 1e-3, 10.0
_FACTS_FILE = "models_info.json"
_UPRIGHT: dict[str, FloatArray] = {
    "x": np.array([[0, 1.0, 0], [0, 0, 1], [1, 0, 0]]),
    "y": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "z": np.eye(3),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model; its frame is that of its file, in metres.

    Attributes:
        name: Its file's, without ending; with folders where two would be alike.
        category: What it is labelled as.
        surface: Key of the prepared mesh.
        unit_m: Metres in one unit of its file.
        finish: Materials of its own, colours at its vertices, or neither.
        low_m: (3,) smallest x, y, z.
        high_m: (3,) largest.
        centre_m: (3,) of mass of its convex hull.
        hull_m: (H, 3) corners of its convex hull.
        upright: (3, 3) rotation into a frame whose z is up as the model stands.
        info: BOP's facts about it, in BOP's keys and mm; empty where there are none.
    """

    name: str
    category: str
    surface: str
    unit_m: float
    finish: Finish
    low_m: FloatArray
    high_m: FloatArray
    centre_m: FloatArray
    hull_m: FloatArray
    upright: FloatArray
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def length_m(self) -> float:
        """Longest side of its box."""
        return float((self.high_m - self.low_m).max())


def models_of(assets: AssetSpec, *, source: Path) -> tuple[tuple[Model, ...], dict[str, Path]]:
    """The models that a spec names, by name, and the files they are made from, by asset name.

    Those that this machine has not seen yet are prepared by Blender in a child process.

    Args:
        assets: Of the spec.
        source: Its file, named in errors.

    Raises:
        SpecError: If the folder has no models, or one cannot be used.
    """
    if assets.models is None:
        raise SpecError(
            f"{source}: key 'assets.models' is missing: scene meshes needs a folder of models, as "
            "assets: {models: my-models}."
        )
    root = assets.models
    if not root.is_dir():
        raise SpecError(f"{source}: key 'assets.models': {root} is no folder.")
    paths = _files(root, MODELS)
    if not paths:
        raise SpecError(
            f"{root}: no models here; expected files that end in {', '.join(sorted(MODELS))}."
        )
    for path in paths.values():
        check_references(path, root=root)
    # Whatever a model could name pins it: exact at the price of preparing some models twice.
    endings = {path.suffix.lower() for path in paths.values()}
    named = frozenset().union(*(_MAY_NAME.get(ending, frozenset()) for ending in endings))
    files = _files(root, MODELS | named)
    hashes = {name: sha256_of(path) for name, path in files.items()}
    keys = {name: _key(name, hashes) for name in paths}
    facts = prepare([(keys[name], path) for name, path in paths.items()], root=root)
    names = _names(paths, root)
    _check_names(assets.names or {}, names.values(), source=source)
    info = _infos(root)
    models = [
        _model(path, name=names[asset], surface=keys[asset], facts=facts[keys[asset]],
               info=info.get(names[asset], {}), is_bop=bool(info), assets=assets)
        for asset, path in paths.items()
    ]  # fmt: skip
    facts_path = root / _FACTS_FILE
    if facts_path.is_file():
        files[f"models/{_FACTS_FILE}"] = facts_path
    return tuple(sorted(models, key=lambda model: model.name)), files


def _files(root: Path, endings: frozenset[str]) -> dict[str, Path]:
    return {
        f"models/{path.relative_to(root).as_posix()}": path
        for path in sorted(root.rglob("*"))
        if path.suffix.lower() in endings and path.is_file()
    }


def _key(name: str, hashes: Mapping[str, str]) -> str:
    ending = Path(name).suffix.lower()
    parts = [ending, hashes[name]]
    if may_name := _MAY_NAME.get(ending):
        parts += [name, *(f"{other} {sha}" for other, sha in sorted(hashes.items())
                          if Path(other).suffix.lower() in may_name)]  # fmt: skip
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:40]


def _names(paths: Mapping[str, Path], root: Path) -> dict[str, str]:
    stems = [path.stem for path in paths.values()]
    if len(set(stems)) == len(stems):
        return {asset: path.stem for asset, path in paths.items()}
    names = {
        asset: path.relative_to(root).with_suffix("").as_posix() for asset, path in paths.items()
    }
    twice = next((n for n in names.values() if list(names.values()).count(n) > 1), None)
    if twice is not None:
        raise SpecError(f"{root}: several models are called {twice!r}; rename all but one.")
    return names


def _check_names(wanted: Mapping[str, str], there: Collection[str], *, source: Path) -> None:
    known = sorted(there)
    for name in wanted:
        if name not in known:
            raise SpecError(
                f"{source}: key 'assets.names.{name}': no such model; known: {', '.join(known)}."
            )


def _infos(root: Path) -> dict[str, Any]:
    # By file name, as obj_000001; BOP's file has the numbers.
    path = root / _FACTS_FILE
    if not path.is_file():
        return {}
    document = load_json(path)
    if not all(key.isdecimal() and isinstance(info, dict) for key, info in document.items()):
        raise SpecError(f"{path}: expected BOP's facts by the number of each model.")
    return {f"obj_{int(key):06d}": info for key, info in document.items()}


def _model(
    path: Path, *, name: str, surface: str, facts: Facts, info: Mapping[str, Any], is_bop: bool,
    assets: AssetSpec,
) -> Model:  # fmt: skip
    ending = path.suffix.lower()
    length = float(np.subtract(facts.high, facts.low).max())
    unit_m = _unit_m(path, length, assets, is_bop=is_bop)
    if not _SMALLEST_M <= length * unit_m <= _LARGEST_M:
        raise SpecError(
            f"{path}: is {length * unit_m:.3g} m long; expected 1 mm to 10 m. "
            f"{_ways_out(length)}, or scale the model."
        )
    return Model(
        name=name,
        category=(assets.names or {}).get(name, name),
        surface=surface,
        unit_m=unit_m,
        finish=facts.finish,
        low_m=np.array(facts.low) * unit_m,
        high_m=np.array(facts.high) * unit_m,
        centre_m=np.array(facts.centre) * unit_m,
        hull_m=np.array(facts.hull) * unit_m,
        upright=_UPRIGHT[assets.up or ("y" if ending in _Y_UP else "z")],
        info=info,
    )


def _unit_m(path: Path, length: float, assets: AssetSpec, *, is_bop: bool) -> float:
    if assets.unit is not None:
        return _UNITS_M[assets.unit]
    if is_bop and path.suffix.lower() == ".ply":
        return _UNITS_M["mm"]
    if path.suffix.lower() in _IN_METRES:
        return 1.0
    raise SpecError(
        f"{path}: is {length:.4g} units long, and {path.suffix} files do not say of what unit. "
        f"{_ways_out(length)}."
    )


def _ways_out(length: float) -> str:
    ways = (f"{unit} ({length * unit_m:.3g} m)" for unit, unit_m in _UNITS_M.items())
    return f"Set assets.unit to {' or '.join(ways)}"
