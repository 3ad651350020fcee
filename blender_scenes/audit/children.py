"""Children that look at frames: started, fed one frame at a time, ended. Never imports bpy."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import tempfile
from collections.abc import Iterable, Iterator

from blender_scenes.audit.findings import FrameFindings
from blender_scenes.audit.job import AuditJob, FrameLabels
from blender_scenes.scratch import Scratch
from pipeline.errors import RenderError

__all__ = ["audit_frames"]


class _Child:
    """One Blender process and the frame it is at."""

    def __init__(self, job: AuditJob) -> None:
        replies_read, replies_write = os.pipe()
        self._scratch = Scratch()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        self._process = subprocess.Popen(
            self._scratch.python("-m", "blender_scenes.audit.observer", str(replies_write)),
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            pass_fds=(replies_write,),
        )
        os.close(replies_write)
        self.replies = os.fdopen(replies_read, "rb")
        self.frame: int | None = None
        self._say(job.model_dump_json())

    def start(self, labels: FrameLabels) -> None:
        self.frame = labels.frame
        self._say(labels.model_dump_json())

    def read(self) -> FrameFindings:
        line = self.replies.readline()
        if not line:
            raise RenderError(f"frame {self.frame}: the audit's Blender died: {self._last_words()}")
        return FrameFindings.model_validate_json(line)

    def end(self) -> None:
        self._process.kill()  # it holds nothing and writes no file
        self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self.replies.close()
        self._log.close()
        self._scratch.remove()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died: reading will tell
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()

    def _last_words(self) -> str:
        self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return " | ".join(line.strip() for line in lines[-2:])[-300:] or "without a word"


def audit_frames(
    job: AuditJob, frames: Iterable[FrameLabels], *, workers: int
) -> Iterator[FrameFindings]:
    """Findings as they come, in any order.

    Raises:
        RenderError: If a child dies.
    """
    queue = iter(frames)
    children: list[_Child] = []
    try:
        with selectors.DefaultSelector() as selector:
            for labels in queue:
                child = _Child(job)
                children.append(child)
                child.start(labels)
                selector.register(child.replies, selectors.EVENT_READ, child)
                if len(children) == workers:
                    break
            busy = len(children)
            while busy:
                for key, _ in selector.select():
                    child = key.data
                    yield child.read()
                    labels_next = next(queue, None)
                    if labels_next is None:
                        selector.unregister(child.replies)
                        busy -= 1
                    else:
                        child.start(labels_next)
    finally:
        for child in children:
            child.end()
