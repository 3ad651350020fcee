"""Temporary folders of children with Blender. Never imports bpy."""

from __future__ import annotations

import sys
import tempfile

__all__ = ["Scratch"]


class Scratch:
    """The folder a child with Blender puts its temporary files in; it goes when the child has gone.

    Blender makes a folder for its session when it starts. It removes it when it ends in its own
    way only, and our children are killed, or leave before bpy can crash at exit.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="blendgap-", ignore_cleanup_errors=True)

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def python(self, *arguments: str) -> list[str]:
        """The command line that starts this Python with the folder for temporary files."""
        return ["env", f"TMPDIR={self._folder.name}", sys.executable, *arguments]

    def remove(self) -> None:
        """Remove the folder and all that is in it."""
        self._folder.cleanup()
