"""What a dry run found, and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Finding", "Verdict", "worst"]

Verdict = Literal["ok", "look", "broken"]
_ORDER: tuple[Verdict, ...] = ("ok", "look", "broken")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the page.

    Attributes:
        check: What was looked at.
        verdict: ``look``: a person should; ``broken``: training would be in vain.
        text: In a sentence.
        facts: The numbers behind it, for ``dry-run.json``.
    """

    check: str
    verdict: Verdict
    text: str
    facts: dict[str, Any] = field(default_factory=dict)


def worst(findings: list[Finding]) -> Verdict:
    """Of all.

    >>> worst([])
    'ok'
    """
    return max((finding.verdict for finding in findings), key=_ORDER.index, default="ok")
