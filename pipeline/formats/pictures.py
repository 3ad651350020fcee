"""Picture files, found and measured."""

from __future__ import annotations

from pathlib import Path

from pipeline.drawing import read_rgb

__all__ = ["PICTURE_SUFFIXES", "find_pictures", "picture_hw"]

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})


def find_pictures(folder: Path) -> list[Path]:
    """All pictures under a folder, by path; hidden ones do not count."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    )


def picture_hw(path: Path) -> tuple[int, int]:
    """Height and width as the picture is read, turned as its EXIF data say.

    Raises:
        DatasetError: If it is no picture.
    """
    height, width = read_rgb(path).shape[:2]
    return height, width
