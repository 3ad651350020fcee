"""Child processes that must not outlive the one that started them."""

from __future__ import annotations

import os
import sys
import threading

__all__ = ["leave_with_parent"]


def leave_with_parent() -> None:
    """End this process at once when its stdin closes, which the parent holds, however it ends."""
    threading.Thread(target=_wait_and_leave, daemon=True).start()


def _wait_and_leave() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)
