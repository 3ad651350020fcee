"""How commands end: 0 done, 1 the work failed, 2 the input was wrong, 130 interrupted."""

from __future__ import annotations

import errno
import functools
from collections.abc import Callable
from typing import ParamSpec

import typer

from flows.terminal import say
from pipeline.errors import BlendgapError
from pipeline.formats.storage import DISK_FULL

__all__ = ["with_exit_code"]

Parameters = ParamSpec("Parameters")

_INTERRUPTED = 130
# Trouble with files that the user can mend: a traceback would not help.
_WRONG_PLACE = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST,
    errno.ENAMETOOLONG,
}  # fmt: skip


def with_exit_code(function: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """The same command, but errors raised on purpose become one line and an exit code.

    Any other exception keeps its traceback: it is a fault of ours.
    """

    @functools.wraps(function)
    def told(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except BlendgapError as error:
            say(f"blendgap: {' '.join(str(error).split())}")
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            say("blendgap: interrupted. Run the same command again to go on where it stopped.")
            raise typer.Exit(_INTERRUPTED) from error
        except OSError as error:
            if error.errno not in _WRONG_PLACE | DISK_FULL:
                raise
            say(f"blendgap: {error.filename or 'output'}: {error.strerror}.")
            raise typer.Exit(1 if error.errno in DISK_FULL else 2) from error

    return told
