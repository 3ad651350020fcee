"""Scene family ``nuts``: dried fruit and nuts on towels, tables and in dishes, from above."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np

from blender_scenes.blocks.clutter import Thing, sample_clutter, sample_occluders
from blender_scenes.blocks.framing import frame_camera, ground_under
from blender_scenes.blocks.grounds import sample_ground
from blender_scenes.blocks.lighting import sample_light
from blender_scenes.blocks.sensing import sample_sensor
from blender_scenes.blocks.things import ThingKind
from blender_scenes.family import SceneFamily, SpecKey
from blender_scenes.nuts.arrangement import Loose, lay_out
from blender_scenes.nuts.bodies import body_of
from blender_scenes.nuts.covers import sample_cloths, sample_vessel
from blender_scenes.nuts.fabrics import surface_m
from blender_scenes.nuts.factors import CATEGORIES, FACTORS
from blender_scenes.nuts.pieces import TYPICAL_M, form_of, skin_of, turn_of
from blender_scenes.nuts.scene import Cloth, Form, Fruit, Kind, NutsScene, Skin, Sweet, Vessel
from blender_scenes.nuts.vessels import FLOOR_M
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Camera, matrix4
from pipeline.records.scene import SampledScene
from pipeline.sampling.factors import FactorDraws
from pipeline.specs.scene import ImageSpec

__all__ = ["NutsFamily"]

_TABLE_M = 3.0
_COARSE = (26, 20)  # rings and segments that places are found with
_CRUMBS: tuple[ThingKind, ...] = ("crumb", "crumb", "crumb", "leaf", "stone")
_PLACES = 24  # looked at before a piece is left out
_CELL_M = 0.002
_SUNK_M = 0.0008  # into cloth, and the height map's caution


class NutsFamily(SceneFamily):
    """Dates, dried figs and hazelnuts among chocolates in gold foil."""

    name: ClassVar[str] = "nuts"
    summary: ClassVar[str] = "dates, dried figs and hazelnuts on towels, tables and in dishes"
    categories: tuple[str, ...] = CATEGORIES
    factors = FACTORS
    image: ClassVar[ImageSpec] = ImageSpec(width=800, height=600, format="jpg")
    scene_type: ClassVar[type[SampledScene]] = NutsScene
    build_module: ClassVar[str] = "blender_scenes.nuts.build"
    max_bounces: ClassVar[tuple[int, int, int]] = (2, 1, 1)
    accepts: ClassVar[frozenset[SpecKey]] = frozenset({"worlds", "backgrounds"})

    def sample(self, draws: FactorDraws, *, image: ImageSpec) -> NutsScene:
        """Fix every number of one frame."""
        camera = frame_camera(draws, image=image, object_m=TYPICAL_M)
        seen_m, along_rad = _seen(camera)
        table = sample_ground(
            draws, tile_m=1.3 * max(seen_m), pictures=self.pictures("backgrounds")
        )
        # Nothing covers a table that the user has photographed.
        cloths = () if table.picture else sample_cloths(draws, view_m=math.hypot(*seen_m) / 2)
        vessel = sample_vessel(draws, seen_m=seen_m, along_rad=along_rad)
        half_m = 0.75 * math.hypot(*seen_m)
        instances, sweets = _pieces(draws, camera, cloths=cloths, vessel=vessel, half_m=half_m)
        return NutsScene(
            family=self.name,
            frame=draws.seeds.frame,
            camera=camera,
            instances=instances,
            sweets=sweets,
            table=table,
            table_m=_TABLE_M,
            cloths=cloths,
            vessel=vessel,
            light=sample_light(draws, reach_m=max(seen_m) / 2, pictures=self.pictures("worlds")),
            clutter=_clutter(draws, camera, instances, sweets),
            occluders=sample_occluders(
                draws,
                camera,
                distance_m=float(np.linalg.norm(np.array(camera.world_from_cam)[:3, 3])),
            ),
            sensor=sample_sensor(draws),
            factors=draws.drawn,
        )


def _seen(camera: Camera) -> tuple[tuple[float, float], float]:
    # Width and height of the table in the middle of the picture, direction of the width.
    width, height = camera.width_px, camera.height_px
    left, right, above, below = ground_under(
        camera,
        np.array([[0, height / 2], [width, height / 2], [width / 2, 0], [width / 2, height]]),
    )
    across, down = right - left, below - above
    size_m = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    return size_m, math.atan2(across[1], across[0])


def _pieces(
    draws: FactorDraws,
    camera: Camera,
    *,
    cloths: tuple[Cloth, ...],
    vessel: Vessel | None,
    half_m: float,
) -> tuple[tuple[Fruit, ...], tuple[Sweet, ...]]:
    values: dict[str, Any] = draws.frame("placement")
    made: list[tuple[Form, Skin]] = []
    loose: list[Loose] = []
    for number in range(1, int(draws.frame("count")["pieces"]) + 1):
        form, skin, turn = _fruit(draws, number)
        rng = draws.noise("placement", number)
        made.append((form, skin))
        loose.append(_loose(form, skin, turn, rng, camera, vessel, values))
    fruits = len(made)
    for number in range(1, int(draws.frame("distractors")["sweets"]) + 1):
        rng = draws.noise("distractors", 1000 + number)
        form, skin, turn = _sweet(rng)
        made.append((form, skin))
        loose.append(_loose(form, skin, turn, rng, camera, vessel, values))
    side = math.ceil(2 * half_m / _CELL_M)
    x, y = np.meshgrid(*[((np.arange(side) + 0.5) / side * 2 - 1) * half_m] * 2)
    floor_m = surface_m(cloths, np.column_stack([x.ravel(), y.ravel()])).reshape(side, side)
    floor_m = floor_m + (FLOOR_M if vessel else 0.0) - _SUNK_M
    poses = lay_out(loose, half_m=half_m, floor_m=floor_m)
    instances: list[Fruit] = []
    for (form, skin), pose in zip(made[:fruits], poses[:fruits], strict=True):
        if pose is not None:
            instances.append(
                Fruit(
                    instance_id=len(instances) + 1,
                    category=form.kind,
                    world_from_obj=matrix4(pose),
                    form=form,
                    skin=skin,
                )
            )
    sweets = tuple(
        Sweet(world_from_sweet=matrix4(pose), form=form, skin=skin)
        for (form, skin), pose in zip(made[fruits:], poses[fruits:], strict=True)
        if pose is not None
    )
    return tuple(instances), sweets


def _fruit(draws: FactorDraws, number: int) -> tuple[Form, Skin, FloatArray]:
    shape: dict[str, Any] = draws.object("shape", number)
    kind = cast(Kind, shape["kind"])
    pose: dict[str, Any] = draws.object("pose", number)
    return (
        form_of(kind, shape, seed=draws.noise_seed("shape", number)),
        skin_of(kind, draws.object("material", number), seed=draws.noise_seed("material", number)),
        turn_of(kind, pose, face_down=pose["roll_rad"] > 0),
    )


def _sweet(rng: np.random.Generator) -> tuple[Form, Skin, FloatArray]:
    size, slenderness, flatness, bend, tone, gloss = rng.uniform(
        [0.92, 0.9, 0.9, -1, 0, 0], [1.1, 1.12, 1.1, 1, 1, 1]
    )
    shape = {
        "size": size, "slenderness": slenderness, "flatness": flatness, "bend": bend,
        "taper": 0.0, "waist": 0.0, "wrinkles": rng.uniform(0.7, 1.2), "stalk": 0.0,
    }  # fmt: skip
    skin = {"tone": tone, "brightness": rng.uniform(0.8, 1.0), "gloss": gloss, "wear": 0.0}
    turn_rad, roll_rad = rng.uniform(-math.pi, math.pi, size=2)
    side = float(rng.choice([0.0, 1.2, -1.2]))  # some lie on their edge
    pose = {"turn_rad": turn_rad, "roll_rad": roll_rad + side / 0.08, "tip": rng.uniform(-1, 1)}
    seeds = rng.integers(2**31, size=2)
    return (
        form_of("chocolate", shape, seed=int(seeds[0])),
        skin_of("chocolate", skin, seed=int(seeds[1])),
        turn_of("chocolate", pose, face_down=bool(rng.random() < 0.4)),
    )


def _loose(
    form: Form,
    skin: Skin,
    turn: FloatArray,
    rng: np.random.Generator,
    camera: Camera,
    vessel: Vessel | None,
    values: dict[str, Any],
) -> Loose:
    joins, rides = rng.random(2) < [values["touching"], values["piled"]]
    share = rng.uniform(values["inset"], 1 - values["inset"], size=(_PLACES, 2))
    places_m = ground_under(camera, share * [camera.width_px, camera.height_px])
    if vessel is not None:
        places_m = _within(vessel, places_m, margin_m=0.45 * form.size_m[0])
    rings, segments = _COARSE
    return Loose(
        shape=body_of(form, skin, rings=rings, segments=segments),
        turn=turn,
        place_m=places_m[0],
        tries_m=places_m[1:],
        joins=bool(joins),
        rides=bool(rides),
    )


def _within(vessel: Vessel, places_m: FloatArray, *, margin_m: float) -> FloatArray:
    # Drawn together so that they fit on its floor.
    room = np.maximum(np.array(vessel.half_m) * 0.88 - margin_m, 1e-3)
    turn = np.array(
        [
            [math.cos(vessel.angle_rad), -math.sin(vessel.angle_rad)],
            [math.sin(vessel.angle_rad), math.cos(vessel.angle_rad)],
        ]
    )
    share = places_m @ turn / room
    worst = np.linalg.norm(share, axis=1) if vessel.kind == "dish" else np.abs(share).max(axis=1)
    return np.asarray(places_m / np.maximum(worst, 1.0)[:, None])


def _clutter(
    draws: FactorDraws, camera: Camera, instances: Sequence[Fruit], sweets: Sequence[Sweet]
) -> tuple[Thing, ...]:
    taken_m = [
        (pose[0][3], pose[1][3], 0.7 * form.size_m[0])
        for pose, form in (
            *((piece.world_from_obj, piece.form) for piece in instances),
            *((sweet.world_from_sweet, sweet.form) for sweet in sweets),
        )
    ]
    return sample_clutter(draws, camera, taken_m=np.array(taken_m).reshape(-1, 3), small=_CRUMBS)
