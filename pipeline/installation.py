"""Which packages are installed here, and in which versions."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata

__all__ = ["installed_versions"]


def installed_versions(packages: Mapping[str, str]) -> dict[str, str]:
    """Versions of those packages that are installed.

    Args:
        packages: Name of the distribution by what to call it.

    >>> sorted(installed_versions({"arrays": "numpy", "nothing": "no-such-package"}))
    ['arrays']
    """
    found = {}
    for name, distribution in packages.items():
        try:
            found[name] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return found
