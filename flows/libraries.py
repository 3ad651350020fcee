"""Shared libraries that Blender needs and this machine lacks, found without loading Blender."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

__all__ = ["apt_line", "missing_in", "missing_libraries", "named_in_error"]

# From `ldd` in a bare Debian container.
_DEBIAN_PACKAGES = {
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libGL.so.1": "libgl1",
    "libXext.so.6": "libxext6",
}


def missing_libraries(binary: Path) -> tuple[str, ...]:
    """Names of the libraries that the loader would not find for ``binary``.

    Empty where there is no ``ldd`` to ask: the import in a child process tells then.
    """
    ldd = shutil.which("ldd")
    if ldd is None:
        return ()
    listing = subprocess.run(
        [ldd, str(binary)], capture_output=True, text=True, check=False, timeout=60
    )
    return missing_in(listing.stdout)


def missing_in(listing: str) -> tuple[str, ...]:
    r"""Names marked as not found in what ``ldd`` prints.

    >>> missing_in("libm.so.6 => /lib/libm.so.6 (0x7f)\n  libXi.so.6 => not found")
    ('libXi.so.6',)
    """
    return tuple(dict.fromkeys(re.findall(r"(\S+) => not found", listing)))


def named_in_error(message: str) -> tuple[str, ...]:
    """The library that an ImportError complains about, if it is about one.

    >>> named_in_error("libSM.so.6: cannot open shared object file: No such file or directory")
    ('libSM.so.6',)
    """
    return tuple(re.findall(r"(\S+\.so[.\d]*): cannot open shared object file", message))


def apt_line(names: Iterable[str]) -> str:
    """The command that brings the libraries on Debian; unknown ones are to be looked up."""
    packages = [_DEBIAN_PACKAGES[name] for name in names if name in _DEBIAN_PACKAGES]
    unknown = [name for name in names if name not in _DEBIAN_PACKAGES]
    line = f"apt-get install -y {' '.join(packages)}" if packages else ""
    search = f"find the packages of {', '.join(unknown)} with apt-file" if unknown else ""
    return "; ".join(part for part in (line, search) if part)
