"""A renderer child for which there is no room: ``python -m full_disk_worker``."""

from __future__ import annotations

import errno

from blender_scenes.job import Job
from blender_scenes.serving import serve_and_leave


class FullDisk:
    """Fails as a write to a full disk does."""

    def __init__(self, job: Job) -> None:
        self._dataset = job.dataset

    def render(self, frame: int) -> dict[str, float]:
        raise OSError(errno.ENOSPC, "No space left on device", str(self._dataset))


if __name__ == "__main__":
    serve_and_leave(FullDisk)
