"""Several processes that train one network together, each with its share of every batch.

The process that was asked to train is rank 0; it starts the others, ``python -m
trainers.crew_member``, one per further device. They leave with it: when its end of their pipe
closes, for whatever reason.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import torch
from lightning.fabric.plugins.environments.lightning import (
    LightningEnvironment,
    find_free_network_port,
)

from pipeline.errors import TrainingError

__all__ = ["Crew", "open_crew"]

_LEAVE_SECONDS = 60


class Crew(LightningEnvironment):
    """Who trains with whom; Lightning's view of it.

    Args:
        rank: Of this process.
        size: Of the crew.
        port: Of rank 0, on this machine.
    """

    def __init__(self, *, rank: int, size: int, port: int) -> None:
        super().__init__()
        self.rank, self.size, self._port = rank, size, port
        self.set_global_rank(rank)
        self.set_world_size(size)

    @property
    def creates_processes_externally(self) -> bool:
        """Lightning starts none."""
        return True

    @property
    def main_address(self) -> str:
        """This machine."""
        return "127.0.0.1"

    @property
    def main_port(self) -> int:
        """See the class."""
        return self._port

    def local_rank(self) -> int:
        """The same, on one machine."""
        return self.rank


@contextmanager
def open_crew(run_dir: Path, size: int) -> Iterator[Crew]:
    """Rank 0 of a crew whose other ranks are started here.

    Args:
        run_dir: Its ``train.json`` is what all of them train.
        size: Processes in all.

    Raises:
        TrainingError: If another rank fails, with what it said.
    """
    crew = Crew(rank=0, size=size, port=find_free_network_port())
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        files = [stack.enter_context((Path(folder) / str(r)).open("w+")) for r in range(1, size)]
        members = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "trainers.crew_member",
                    run_dir,
                    str(rank),
                    str(crew.main_port),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=file,
                start_new_session=True,  # Ctrl-C is for rank 0
            )
            for rank, file in enumerate(files, start=1)
        ]
        try:
            yield crew
            _await(members)
        except RuntimeError as error:  # what a lost peer looks like from here
            _await(members)
            if not any(member.returncode for member in members):
                raise
            raise TrainingError(_last_words(members, files)) from error
        finally:
            for member in members:
                member.stdin.close()  # type: ignore[union-attr]  # a pipe
            for member in members:
                member.kill()
                member.wait()
            if torch.distributed.is_initialized():
                torch.distributed.destroy_process_group()
        if any(member.returncode for member in members):
            raise TrainingError(_last_words(members, files))


def _await(members: list[subprocess.Popen[bytes]]) -> None:
    for member in members:
        with contextlib.suppress(subprocess.TimeoutExpired):
            member.wait(_LEAVE_SECONDS)


def _last_words(members: list[subprocess.Popen[bytes]], files: Sequence[IO[str]]) -> str:
    for rank, (member, file) in enumerate(zip(members, files, strict=True), start=1):
        if member.returncode:
            file.seek(0)
            lines = file.read().splitlines() or [f"ended with {member.returncode}"]
            return f"process {rank} of {len(members) + 1}: {lines[-1]}"
    return "a process was lost"
