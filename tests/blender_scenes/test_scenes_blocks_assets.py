"""Users' pictures, tailored factors, and what needs no Blender."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from blender_scenes import blocks
from blender_scenes.blocks.colours import linear_rgb
from blender_scenes.blocks.framing import CAMERA
from blender_scenes.blocks.grounds import BACKGROUND
from blender_scenes.blocks.pictures import PANORAMAS, PHOTOGRAPHS, files_in, read_picture
from blender_scenes.blocks.tailoring import tailored
from pipeline.errors import SpecError
from pipeline.sampling.factors import Choice, Uniform


def test_pictures_of_a_folder_are_named_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    rgb = np.random.default_rng(0).integers(0, 65536, size=(6, 8, 3)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "in" / "Desk.PNG"), rgb[..., ::-1])
    cv2.imwrite(str(tmp_path / "sky.hdr"), np.full((4, 8, 3), 3.5, np.float32))
    (tmp_path / "note.txt").write_text("no picture")
    photographs = files_in(tmp_path, kind="backgrounds", endings=PHOTOGRAPHS)
    assert list(photographs) == ["backgrounds/in/Desk.PNG"]
    read = read_picture(photographs["backgrounds/in/Desk.PNG"])
    assert np.allclose(read, linear_rgb(rgb / 65535), atol=1e-6)
    panoramas = files_in(tmp_path, kind="hdris", endings=PANORAMAS)
    assert set(panoramas) == {"hdris/in/Desk.PNG", "hdris/sky.hdr"}
    assert read_picture(panoramas["hdris/sky.hdr"]).max() == pytest.approx(3.5, rel=0.01)
    large = np.zeros((100, 4096, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "wide.jpg"), large)
    assert read_picture(tmp_path / "wide.jpg").shape == (50, 2048, 3)


def test_folders_without_pictures_and_broken_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no backgrounds here"):
        files_in(tmp_path, kind="backgrounds", endings=PHOTOGRAPHS)
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(SpecError, match=r"broken.png: not a picture"):
        read_picture(tmp_path / "broken.png")


def test_a_tailored_factor_changes_what_it_is_told_and_nothing_else() -> None:
    narrow = tailored(
        CAMERA,
        ranges={"elevation_rad": Uniform(1.4, 1.5)},
        off={"elevation_rad": 1.45},
        dependants=("placement",),
    )
    assert narrow.dependants == ("placement",)
    changed = [
        new.name
        for new, old in zip(narrow.parameters, CAMERA.parameters, strict=True)
        if new != old
    ]
    assert changed == ["elevation_rad"]
    wild = tailored(BACKGROUND, wild={"surface": Choice(("felt",))})
    assert wild.parameters[0].varied("wild") == Choice(("felt",))
    with pytest.raises(ValueError, match=r"no \['height'\]"):
        tailored(CAMERA, ranges={"height": Uniform(0, 1)})


def test_what_families_sample_with_needs_no_blender() -> None:
    index = Path(blocks.__file__).read_text().replace("\n", " ")
    starred = {"lights", "floors", "props", "dropping", "materials", "meshes", "variation"}
    assert all(f"``{name}`` *" in index for name in starred)
    names = {path.stem for path in Path(blocks.__file__).parent.glob("[a-z]*.py")}
    assert all(f"``{name}``" in index for name in names)
    modules = sorted(f"blender_scenes.blocks.{name}" for name in names - starred)
    code = f"import sys, {', '.join(modules)}; sys.exit('bpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
