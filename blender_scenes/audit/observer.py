"""The audit's child: ``python -m blender_scenes.audit.observer REPLIES_FD``.

Builds frames anew from their records, looks at them with Blender's own BVH trees, and compares.
It imports nothing that labels are made with; all it shares with the renderer is the family's
``build``. Reads a job and then frames, one JSON line each, on stdin.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys

import bpy
import numpy as np

from blender_scenes.audit.agreement import compare_instances
from blender_scenes.audit.findings import Findings, FrameFindings
from blender_scenes.audit.job import AuditJob, FrameLabels
from blender_scenes.audit.labels import FrameFiles
from blender_scenes.audit.pieces import scene_pieces
from blender_scenes.audit.pixels import compare_passes, lens_of
from blender_scenes.audit.sight import Sight
from blender_scenes.registry import family_of

__all__ = ["FrameAuditor", "main"]

_PR_SET_PDEATHSIG = 1


class FrameAuditor:
    """Compares frames of one dataset."""

    def __init__(self, job: AuditJob) -> None:
        self._job = job
        self._family = family_of(job.spec, source=job.dataset / "manifest.json")
        self._build = importlib.import_module(self._family.build_module).build

    def audit(self, labels: FrameLabels) -> FrameFindings:
        """Compare one frame; one that cannot be built anew disagrees."""
        found = Findings(labels.frame)
        try:
            self._compare(labels, found)
        except Exception as error:  # whatever is wrong with a frame is the audit's to tell
            found.value("instances", 1, what=f"cannot be compared: {type(error).__name__}: {error}")
        return found.result()

    def _compare(self, labels: FrameLabels, found: Findings) -> None:
        files, spec = FrameFiles(self._job.dataset, labels.frame), self._job.spec.labels
        scene = files.scene()
        if scene is None:
            found.value("instances", 1, what="has no frame record")
            return
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self._build(self._family.scene_type.model_validate(scene), self._family.assets)
        bpy.context.view_layer.update()
        camera = scene["camera"]
        sight = Sight(
            scene_pieces(shading=spec.normals),
            lens=lens_of(camera),
            world_from_cam=np.array(camera["world_from_cam"], float),
            image_hw=(camera["height_px"], camera["width_px"]),
            canvas=spec.amodal,
        )
        compare_instances(labels, files=files, scene=scene, sight=sight, spec=spec, found=found)
        compare_passes(
            files,
            scene=scene,
            category_ids={name: number for number, name in labels.categories.items()},
            sight=sight,
            found=found,
        )


def main(replies_fd: int) -> None:
    """Serve frames until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the call above
        return
    with open(replies_fd, "w", encoding="utf-8", buffering=1) as replies:
        auditor = FrameAuditor(AuditJob.model_validate_json(sys.stdin.readline()))
        for line in sys.stdin:
            findings = auditor.audit(FrameLabels.model_validate_json(line))
            replies.write(findings.model_dump_json() + "\n")


if __name__ == "__main__":
    exit_code = 1
    try:
        main(int(sys.argv[1]))
        exit_code = 0
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(exit_code)  # bpy can crash at exit after its work is done
