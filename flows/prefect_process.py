"""A Prefect server as a child process, and the surroundings in which Prefect keeps quiet.

This module imports no Prefect: what it sets must be in place before the first import. Run as
``python -m flows.prefect_process PORT`` it is the child; the child ends when its stdin does, so
it never outlives its parent.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import uvicorn

from pipeline.errors import WorkError

__all__ = ["ServerError", "answers", "free_port", "quiet_prefect", "started_server"]

_HOST = "127.0.0.1"
_QUIET = {
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # the log of a run stays in its UI
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


class ServerError(WorkError):
    """A Prefect server did not start."""


def quiet_prefect() -> None:
    """Set Prefect's surroundings; call before Prefect is imported. What is set already stays.

    Prefect keeps its history in ``~/.prefect`` unless ``PREFECT_HOME`` says otherwise. Where
    that cannot be written, as in many containers, a folder for this process takes its place.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    # A proxy does not know this machine's own server.
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*hosts, _HOST, "localhost"]))
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    if not _writable(home):
        substitute = tempfile.mkdtemp(prefix="blendgap-prefect-")
        atexit.register(shutil.rmtree, substitute, ignore_errors=True)
        os.environ["PREFECT_HOME"] = substitute


def answers(api_url: str) -> bool:
    """Whether a healthy Prefect API is there."""
    try:
        with urllib.request.urlopen(f"{api_url.rstrip('/')}/health", timeout=2.0) as reply:
            return bool(reply.status == 200)
    except (OSError, ValueError):
        return False


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def started_server(
    port: int,
    *,
    services: bool,
    meanwhile: Callable[[], object] = int,
    timeout_s: float = 60.0,
) -> Iterator[str]:
    """Run a Prefect server while the context lasts.

    The child has a session of its own: Ctrl-C reaches us first, and the run can still be
    recorded as interrupted.

    Args:
        port: Of 127.0.0.1.
        services: With the user interface and the scheduler, or the bare API.
        meanwhile: Something to do in the seconds that it takes to start.
        timeout_s: How long it may take.

    Yields:
        The API's URL.

    Raises:
        ServerError: If it does not answer in time.
    """
    api_url = f"http://{_HOST}:{port}/api"
    bare = {} if services else {"PREFECT__SERVER_EPHEMERAL": "1", "PREFECT_UI_ENABLED": "0"}
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "flows.prefect_process", str(port)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, **bare},
        )
        try:
            meanwhile()
            _wait_for(api_url, child, log, timeout_s)
            yield api_url
        finally:
            child.terminate()
            try:
                child.wait(timeout=5.0)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            if child.stdin is not None:
                child.stdin.close()


def _wait_for(api_url: str, child: subprocess.Popen[bytes], log: IO[bytes], limit_s: float) -> None:
    deadline_s = time.monotonic() + limit_s
    while not answers(api_url):
        if child.poll() is not None:
            log.seek(0)
            words = log.read().decode(errors="replace").strip().splitlines()[-1:]
            raise ServerError(f"it ended with code {child.returncode}: {' '.join(words)}")
        if time.monotonic() > deadline_s:
            raise ServerError(f"no answer from {api_url} within {limit_s:.0f} s")
        time.sleep(0.1)


def _writable(folder: Path) -> bool:
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK | os.X_OK)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()  # returns when the parent is gone
    os._exit(0)


def _serve(port: int) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    uvicorn.run(
        "prefect.server.api.server:create_app",
        factory=True,
        host=_HOST,
        port=port,
        log_level="error",
        lifespan="on",
    )


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
