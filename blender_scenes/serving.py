"""The life of a renderer child: ``python -m MODULE COMMANDS_FD REPLIES_FD``. No bpy.

It talks over pipes of its own, since Blender writes to stdout. It lives for many frames, ignores
Ctrl-C (the parent decides), dies with its parent, and leaves by ``os._exit``, because bpy can
crash at exit after its work is done.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, Protocol

from blender_scenes.job import Job, Reply
from pipeline.formats.storage import DISK_FULL

__all__ = ["Renderer", "serve_and_leave"]

_PR_SET_PDEATHSIG = 1


class Renderer(Protocol):
    """What turns frame indices into files of a dataset."""

    def render(self, frame: int) -> dict[str, float]:
        """Render one frame to disk; returns seconds of wall time by stage."""


def serve_and_leave(open_renderer: Callable[[Job], Renderer]) -> NoReturn:
    """Serve frames until the parent closes the pipe, then end the process.

    Args:
        open_renderer: Makes the renderer from the job, the first line that comes.
    """
    exit_code = 1
    try:
        _serve(open_renderer, commands_fd=int(sys.argv[1]), replies_fd=int(sys.argv[2]))
        exit_code = 0
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(exit_code)


def _serve(open_renderer: Callable[[Job], Renderer], *, commands_fd: int, replies_fd: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    with (
        open(commands_fd, encoding="utf-8") as commands,
        open(replies_fd, "w", encoding="utf-8", buffering=1) as replies,
    ):
        job = Job.model_validate_json(commands.readline())
        if job.cpu is not None:
            _pin(job.cpu)
        renderer = open_renderer(job)
        replies.write(Reply(frame=-1).model_dump_json() + "\n")
        for line in commands:
            replies.write(_attempt(renderer, int(line)).model_dump_json() + "\n")


def _attempt(renderer: Renderer, frame: int) -> Reply:
    try:
        seconds = renderer.render(frame)
    except Exception as error:  # any failure costs one frame, not the worker
        return Reply(
            frame=frame,
            error=f"{type(error).__name__}: {error}",
            disk_full=isinstance(error, OSError) and error.errno in DISK_FULL,
        )
    return Reply(frame=frame, seconds=seconds, rss_mib=_rss_mib())


def _pin(cpu: int) -> None:
    # bpy starts threads of its own on import, one of which spins while another renders: left
    # loose on a second core, they cost a neighbouring worker a tenth of its time.
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), {cpu})


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _die_with_parent() -> None:
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the call above
        os._exit(1)
