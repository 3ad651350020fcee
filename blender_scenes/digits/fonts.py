"""Printed digits: the fonts that come with matplotlib and with bpy."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from pipeline.errors import RenderError

__all__ = ["FONTS", "find_font"]

_FOLDERS = {
    "matplotlib": Path("mpl-data/fonts/ttf"),
    "bpy": Path("5.0/datafiles/fonts"),
}
FONTS: tuple[str, ...] = (
    "bpy/DejaVuSansMono.woff2",
    "bpy/Inter.woff2",
    "bpy/NotoSansMath-Regular.woff2",
    "matplotlib/DejaVuSans.ttf",
    "matplotlib/DejaVuSans-Bold.ttf",
    "matplotlib/DejaVuSans-Oblique.ttf",
    "matplotlib/DejaVuSansMono-Oblique.ttf",
    "matplotlib/DejaVuSerif.ttf",
    "matplotlib/DejaVuSerif-Italic.ttf",
    "matplotlib/STIXGeneral.ttf",
    "matplotlib/STIXGeneralBolIta.ttf",
    "matplotlib/STIXGeneralItalic.ttf",
    "matplotlib/cmr10.ttf",
    "matplotlib/cmss10.ttf",
    "matplotlib/cmti10.ttf",
    "matplotlib/cmtt10.ttf",
)
"""``package/file``: a fixed list, so that a frame does not depend on what is installed."""


def find_font(name: str) -> Path:
    """The file of one of ``FONTS``, inside the installed package; imports neither package.

    Raises:
        RenderError: If the package or the file is missing.
    """
    package, file_name = name.split("/")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise RenderError(f"Font {name}: package {package} is not installed; run `make install`.")
    path = Path(spec.origin).parent / _FOLDERS[package] / file_name
    if not path.is_file():
        raise RenderError(f"Font {name}: no file {path}; install the pinned version of {package}.")
    return path
