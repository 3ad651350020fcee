"""A pool of renderer children: starts them, feeds them, replaces the dead. Never imports bpy."""

from __future__ import annotations

import collections
import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from blender_scenes.job import Job, Reply
from blender_scenes.scratch import Scratch
from pipeline.errors import RenderError

__all__ = ["WORKER_MODULE", "RenderPool"]

WORKER_MODULE = "blender_scenes.worker"
"""The child that renders with Blender."""

_TRIES = 3
# Threads of the array libraries would wait for each other on the worker's one core.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_START_TIMEOUT_S = 300.0
_LAST_WORDS_BYTES = 4096


class _Worker:
    """One child, its pipes, and the frame it is at."""

    def __init__(self, job: Job, module: str) -> None:
        commands_read, commands_write = os.pipe()
        replies_read, replies_write = os.pipe()
        self._scratch = Scratch()
        self.log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        self.process = subprocess.Popen(
            self._scratch.python("-m", module, str(commands_read), str(replies_write)),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            pass_fds=(commands_read, replies_write),
            env=os.environ | _ONE_THREAD,
        )
        os.close(commands_read)
        os.close(replies_write)
        self._commands = commands_write
        self.replies = os.fdopen(replies_read, "rb", buffering=0)
        self._pending = b""
        self.cpu = job.cpu
        self.frame: int | None = None
        self.ready = False
        self.retired = False
        self.since = time.monotonic()
        self._first_rss_mib: float | None = None
        self._say(job.model_dump_json())

    def start(self, frame: int) -> None:
        self.frame, self.since = frame, time.monotonic()
        self._say(str(frame))

    def read(self) -> list[Reply] | None:
        """Replies that have come; None when the child has closed its end."""
        chunk = self.replies.read(1 << 16)
        if not chunk:
            return None
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        return [Reply.model_validate_json(line) for line in lines]

    def outgrew(self, reply: Reply, limit_mib: float) -> bool:
        """Whether its memory has grown by more than the limit since its first frame."""
        if self._first_rss_mib is None:
            self._first_rss_mib = reply.rss_mib
        return reply.rss_mib - self._first_rss_mib > limit_mib

    def kill(self) -> None:
        """End it at once; files are written whole, so nothing half-done is left."""
        self.process.send_signal(signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """Let it finish and leave."""
        os.close(self._commands)
        self.process.wait()
        self.replies.close()
        self.log.close()
        self._scratch.remove()

    def last_words(self) -> str:
        """The end of what it printed, on one line."""
        size = self.log.seek(0, os.SEEK_END)
        self.log.seek(max(size - _LAST_WORDS_BYTES, 0))
        lines = self.log.read().decode(errors="replace").strip().splitlines()
        return " | ".join(line.strip() for line in lines[-2:])[-300:]

    def _say(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # it died: its other pipe will tell
            os.write(self._commands, f"{line}\n".encode())


class RenderPool:
    """Renders frames with long-lived children, one thread each, pinned to one core each.

    Args:
        job: What to render; ``cpu`` is filled in per worker.
        workers: How many children.
        worker_module: What a child runs; it has to end in ``serving.serve_and_leave``.
        recycle_growth_mib: A child whose memory grew by more is replaced.
        frame_timeout_s: A child that is silent for longer is killed and replaced.
    """

    def __init__(
        self,
        job: Job,
        *,
        workers: int,
        worker_module: str = WORKER_MODULE,
        recycle_growth_mib: float = 1024.0,
        frame_timeout_s: float = 900.0,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers must be positive but got {workers}.")
        self._job = job
        self._workers = workers
        self._worker_module = worker_module
        self._recycle_growth_mib = recycle_growth_mib
        self._frame_timeout_s = frame_timeout_s
        self._cores = sorted(os.sched_getaffinity(0))
        self._alive: list[_Worker] = []
        self._failures: collections.Counter[int] = collections.Counter()
        self._stillborn = 0

    def run(self, frames: Iterable[int], done: Callable[[Reply], None]) -> dict[int, str]:
        """Render frames, in any order.

        Args:
            frames: Indices.
            done: Called with the reply of every frame that is on disk.

        Returns:
            Frames that failed three times, with the reason.

        Raises:
            RenderError: If children die before they can render anything, or the disk is full.
        """
        queue = collections.deque(frames)
        quarantined: dict[int, str] = {}
        with selectors.DefaultSelector() as selector, self._killed_at_exit():
            for slot in range(min(self._workers, len(queue))):
                self._spawn(selector, self._cores[slot % len(self._cores)])
            while queue or any(worker.frame is not None for worker in self._alive):
                for worker in self._next_events(selector):
                    replies = worker.read()
                    if replies is None:
                        self._bury(worker, selector, queue, quarantined)
                        continue
                    for reply in replies:
                        self._hear(worker, reply, queue, quarantined, done)
                    if queue and worker.ready and worker.frame is None and not worker.retired:
                        worker.start(queue.popleft())
            for worker in self._alive:
                worker.close()
            self._alive.clear()
        return quarantined

    def _next_events(self, selector: selectors.BaseSelector) -> Iterator[_Worker]:
        for key, _ in selector.select(timeout=1.0):
            yield key.data
        now = time.monotonic()
        for worker in self._alive:
            limit_s = self._frame_timeout_s if worker.ready else _START_TIMEOUT_S
            if (worker.frame is not None or not worker.ready) and now - worker.since > limit_s:
                worker.process.kill()  # its pipe closes, the next round buries it

    def _hear(
        self,
        worker: _Worker,
        reply: Reply,
        queue: collections.deque[int],
        quarantined: dict[int, str],
        done: Callable[[Reply], None],
    ) -> None:
        if reply.frame < 0:
            worker.ready, self._stillborn = True, 0
            return
        worker.frame = None
        if reply.disk_full:
            raise RenderError(
                f"{self._job.dataset}: the disk is full (frame {reply.frame}); make room and run "
                "again: what is done is kept."
            )
        if reply.error is not None:
            self._count_failure(reply.frame, reply.error, queue, quarantined)
            return
        done(reply)
        if worker.outgrew(reply, self._recycle_growth_mib):
            worker.retired = True
            worker.process.kill()  # its pipe closes, the next round replaces it

    def _bury(
        self,
        worker: _Worker,
        selector: selectors.BaseSelector,
        queue: collections.deque[int],
        quarantined: dict[int, str],
    ) -> None:
        selector.unregister(worker.replies)
        self._alive.remove(worker)
        code = worker.process.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        words = worker.last_words()
        reason = f"worker died ({how})" + (f": {words}" if words else "")
        worker.close()
        if worker.frame is not None:
            self._count_failure(worker.frame, reason, queue, quarantined)
        elif not worker.ready and not worker.retired:
            self._stillborn += 1
            if self._stillborn >= _TRIES:
                raise RenderError(f"Blender does not start: {reason}; run `blendgap doctor`.")
        if queue:
            self._spawn(selector, worker.cpu)

    def _count_failure(
        self,
        frame: int,
        reason: str,
        queue: collections.deque[int],
        quarantined: dict[int, str],
    ) -> None:
        self._failures[frame] += 1
        if self._failures[frame] >= _TRIES:
            quarantined[frame] = reason
        else:
            queue.append(frame)

    def _spawn(self, selector: selectors.BaseSelector, cpu: int | None) -> None:
        worker = _Worker(self._job.model_copy(update={"cpu": cpu}), self._worker_module)
        self._alive.append(worker)
        selector.register(worker.replies, selectors.EVENT_READ, worker)

    @contextlib.contextmanager
    def _killed_at_exit(self) -> Iterator[None]:
        try:
            yield
        finally:
            for worker in self._alive:
                worker.kill()
            self._alive.clear()
