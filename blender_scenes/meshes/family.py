"""Scene family ``meshes``: a user's own models on tables, in rooms, in the open, in the air."""

from __future__ import annotations

import colorsys
import math
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from blender_scenes.blocks.clutter import Thing, sample_clutter, sample_occluders
from blender_scenes.blocks.colours import Rgb
from blender_scenes.blocks.framing import frame_camera
from blender_scenes.blocks.grounds import folds_m
from blender_scenes.blocks.sensing import sample_sensor
from blender_scenes.family import SceneFamily, SpecKey
from blender_scenes.meshes.arrangement import Arrangement, Placed, arrange
from blender_scenes.meshes.factors import FACTORS
from blender_scenes.meshes.library import Model, models_of
from blender_scenes.meshes.points import Points, box_points, points_from
from blender_scenes.meshes.scene import Look, MeshesScene, MeshInstance, Other
from blender_scenes.meshes.surroundings import Surroundings, sample_surroundings
from pipeline.errors import SpecError
from pipeline.geometry.camera import Camera, Matrix4, matrix4
from pipeline.records.scene import SampledScene
from pipeline.sampling.factors import FactorDraws
from pipeline.specs.scene import ImageSpec, SceneSpec

__all__ = ["MeshesFamily"]

_OTHERS_FROM = 1000  # numbers of draws apart from the labelled objects'
_GLOSS = 0.35  # roughness of plastic and of models that have no more than colours
_BRIGHTEST = 0.95
_OVER_THE_EDGE_M = 0.03  # things do not stand closer to that of a table


class MeshesFamily(SceneFamily):
    """Models from a folder of files; each file is a category unless the spec names others."""

    name: ClassVar[str] = "meshes"
    summary: ClassVar[str] = "your own models (.blend .glb .gltf .obj .ply .stl, BOP) anywhere"
    categories: tuple[str, ...] = ()
    factors = FACTORS
    image: ClassVar[ImageSpec] = ImageSpec(width=640, height=480)
    scene_type: ClassVar[type[SampledScene]] = MeshesScene
    build_module: ClassVar[str] = "blender_scenes.meshes.build"
    accepts: ClassVar[frozenset[SpecKey]] = frozenset(
        {"categories", "worlds", "backgrounds", "models"}
    )
    models: tuple[Model, ...] = ()
    points: Points = MappingProxyType({})

    def of(self, spec: SceneSpec, *, source: Path) -> Self:
        """With the models of the spec's folder.

        Raises:
            SpecError: If there is no folder, or a model cannot be used.
        """
        made = super().of(spec.model_copy(update={"categories": None}), source=source)
        made.models, files = models_of(spec.assets, source=source)
        made.categories = tuple(sorted({model.category for model in made.models}))
        made.categories = made._chosen(spec.categories, source=source)
        if path := spec.assets.keypoints:
            made.points, layouts = points_from(path, made.models)
            files["keypoints.json"] = path
        else:
            made.points, layouts = box_points(made.models)
        made.keypoints = {name: layouts[name] for name in made.categories if name in layouts}
        made.assets = {**made.assets, **files}
        return made

    def sample(self, draws: FactorDraws, *, image: ImageSpec) -> MeshesScene:
        """Fix every number of one frame."""
        if not self.models:
            raise SpecError("Scene meshes needs a spec with a folder of models.")
        arrangement = arrange(draws, [*self._chosen_models(draws), *self._other_models(draws)])
        camera = frame_camera(
            draws,
            image=image,
            object_m=arrangement.typical_m,
            target_m=(0.0, 0.0, arrangement.middle_m),
        )
        distance_m = float(
            np.linalg.norm(
                np.array(camera.world_from_cam)[:3, 3] - [0.0, 0.0, arrangement.middle_m]
            )
        )
        around = sample_surroundings(
            draws,
            arrangement,
            camera,
            distance_m=distance_m,
            worlds=self.pictures("worlds"),
            backgrounds=self.pictures("backgrounds"),
        )
        labelled = [each for each in arrangement.placed if each.number < _OTHERS_FROM]
        return MeshesScene(
            family=self.name,
            frame=draws.seeds.frame,
            camera=camera,
            instances=tuple(
                self._instance(draws, each, instance_id, around)
                for instance_id, each in enumerate(labelled, start=1)
            ),
            others=tuple(
                Other(look=_look(draws, each), world_from_obj=_raised(draws, each, around))
                for each in arrangement.placed
                if each.number >= _OTHERS_FROM
            ),
            falling=draws.frame("placement")["how"] == "drop",
            light=around.light,
            ground=around.ground,
            ground_m=around.ground_m,
            ground_z_m=around.ground_z_m,
            board=around.board,
            backdrop=around.backdrop,
            distance_m=distance_m,
            things=(
                *_clutter(draws, arrangement, camera, around),
                *sample_occluders(draws, camera, distance_m=distance_m),
            ),
            sensor=sample_sensor(draws),
            factors=draws.drawn,
        )

    def _chosen_models(self, draws: FactorDraws) -> list[tuple[int, Model]]:
        values: dict[str, Any] = draws.frame("count")
        wanted = [model for model in self.models if model.category in self.categories]
        noise = draws.noise("shape")
        order: list[int] = []
        while len(order) < values["objects"]:
            order += noise.permutation(len(wanted)).tolist()
        chosen = []
        for number in range(1, values["objects"] + 1):
            share: Any = draws.object("shape", number)["model"]
            drawn = min(int(share * len(wanted)), len(wanted) - 1)
            index = order[number - 1] if values["mix"] == "each" else drawn
            chosen.append((number, wanted[index]))
        return chosen

    def _other_models(self, draws: FactorDraws) -> list[tuple[int, Model]]:
        others = [model for model in self.models if model.category not in self.categories]
        count: Any = draws.frame("distractors")["models"]
        order = draws.noise("distractors", _OTHERS_FROM).permutation(len(others))[:count]
        return [(_OTHERS_FROM + place, others[index]) for place, index in enumerate(order, start=1)]

    def _instance(
        self, draws: FactorDraws, placed: Placed, instance_id: int, around: Surroundings
    ) -> MeshInstance:
        return MeshInstance(
            instance_id=instance_id,
            category=placed.model.category,
            world_from_obj=_raised(draws, placed, around),
            keypoints_m=self.points[placed.model.name],
            look=_look(draws, placed),
            model_info=dict(placed.model.info),
        )


def _look(draws: FactorDraws, placed: Placed) -> Look:
    values: dict[str, Any] = draws.object("material", placed.number)
    model = placed.model
    finish = "bare" if values["paint"] == "any" else model.finish
    brightness = values["brightness"]
    if finish == "bare":
        base = colorsys.hsv_to_rgb(values["hue"], values["saturation"], values["value"])
    else:
        red, green, blue = colorsys.hsv_to_rgb(values["tint_hue"], values["tint"], 1.0)
        mean = (red + green + blue) / 3
        base = (red / mean, green / mean, blue / mean)
    brightest = _BRIGHTEST if finish == "bare" else math.inf
    red, green, blue = (min(brightness * channel, brightest) for channel in base)
    colour: Rgb = (red, green, blue)
    roughness = values["roughness"] * (1.0 if finish == "own" else _GLOSS)
    return Look(
        surface=model.surface,
        unit_m=model.unit_m,
        finish=finish,
        colour=colour,
        roughness=roughness if finish == "own" else min(roughness, 1.0),
    )


def _raised(draws: FactorDraws, placed: Placed, around: Surroundings) -> Matrix4:
    # What stands on folds stands on the highest one below it.
    pose = placed.world_from_obj.copy()
    if around.ground is not None and draws.frame("placement")["how"] in ("scatter", "grid"):
        pose[2, 3] += max(0.0, float(folds_m(around.ground, placed.footprint_m).max()))
    return matrix4(pose)


def _clutter(
    draws: FactorDraws, arrangement: Arrangement, camera: Camera, around: Surroundings
) -> tuple[Thing, ...]:
    if around.ground is None:
        return ()
    taken_m = [each.disc_m for each in arrangement.placed]
    if draws.frame("placement")["how"] == "drop":  # nobody knows yet where they will lie
        taken_m = [(0.0, 0.0, arrangement.field_m / math.sqrt(2))]
    things = sample_clutter(draws, camera, taken_m=np.array(taken_m).reshape(-1, 3))
    reach_m = around.ground_m / 2 - _OVER_THE_EDGE_M
    return tuple(
        thing
        for thing in things
        if max(abs(row[3]) for row in thing.world_from_thing[:2]) < reach_m
    )
