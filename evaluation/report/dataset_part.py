"""The card of a dataset in a report: what is in it, how it came to be, whether labels hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evaluation.report.facts import Fact, dataset_facts, dataset_name, read_manifest_of
from evaluation.report.gallery import Picture, dataset_pictures
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest
from pipeline.dataset.statistics import DatasetStatistics, read_statistics
from pipeline.records.audit import AuditRecord, read_audit

__all__ = ["AuditPart", "DatasetPart", "dataset_part"]

_DERIVED = {
    "crops": "The same, cut into crops",
    "boxes": "The same, with boxes drawn as the benchmark draws them",
}
"""What experiments make of their frames, by the folder's name."""

_LABELS = ("amodal", "keypoints", "poses", "depth", "normals", "flow", "semantic")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPart:
    """What a second method said of the labels.

    Attributes:
        verdict: In a sentence.
        rows: Label, compared, within the limit, worst, limit; empty without an audit.
    """

    verdict: str
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPart:
    """A dataset; rendered ones with their audit and with what varies in them.

    Attributes:
        drawn: Factor and what was drawn for it.
    """

    name: str
    facts: tuple[Fact, ...]
    pictures: tuple[Picture, ...]
    is_rendered: bool
    audit: AuditPart | None = None
    drawn: tuple[tuple[str, str], ...] = ()


def dataset_part(folder: Path) -> DatasetPart:
    """Read a dataset's card.

    Raises:
        DatasetError: If the folder is no dataset, or its statistics or audit are damaged.
    """
    layout, manifest = DatasetLayout(folder), read_manifest_of(folder)
    facts = dataset_facts(folder)
    audit: AuditPart | None = None
    drawn: tuple[tuple[str, str], ...] = ()
    if manifest is not None:
        statistics = read_statistics(layout.statistics)
        facts += _card_facts(manifest, statistics)
        audit = _audit_part(read_audit(layout.audit), manifest)
        drawn = tuple(sorted(_drawn(statistics))) if statistics else ()
    return DatasetPart(
        name=_DERIVED.get(folder.name, folder.name) if manifest is None else dataset_name(folder),
        facts=tuple(facts),
        pictures=tuple(dataset_pictures(folder)),
        is_rendered=manifest is not None,
        audit=audit,
        drawn=drawn,
    )


def _card_facts(manifest: Manifest, statistics: DatasetStatistics | None) -> list[Fact]:
    more = [name for name in _LABELS if getattr(manifest.spec.labels, name)]
    facts = [Fact(name="Labels", value=", ".join(["masks", "boxes", *more]))]
    if statistics is not None:
        total = max(statistics.labels.images, 1)
        effects = [
            name if count == total else f"{name} ({100 * count / total:.0f} %)"
            for name, count in statistics.labels.effects.items()
        ]
        facts.append(Fact(name="Lens and sensor", value=", ".join(effects) or "a perfect camera"))
        if statistics.pictures is not None:
            same = statistics.pictures.near_duplicates.pictures
            facts.append(Fact(name="Look-alikes", value=f"{same:,} pictures" if same else "none"))
    lost = len(manifest.quarantined)
    facts.append(Fact(name="Pictures missing", value=f"{lost:,}" if lost else "none"))
    return facts


def _drawn(statistics: DatasetStatistics) -> Iterator[tuple[str, str]]:
    for name, numbers in statistics.labels.factors.items():
        if numbers.low < numbers.high:
            yield name, f"{numbers.low:.4g} to {numbers.high:.4g}"
    for name, words in statistics.labels.factor_words.items():
        if len(words) > 1:
            yield name, ", ".join(f"{word} ({count:,})" for word, count in words.items())


def _audit_part(audit: AuditRecord | None, manifest: Manifest) -> AuditPart:
    if audit is None:
        return AuditPart(
            verdict="The labels of these very frames have not been audited. “blendgap check "
            "DATASET --audit 20” derives those of 20 pictures anew, by a second method that shares "
            "no code with the first; “blendgap report” then says here how far the two agree."
        )
    pictures = f"{len(audit.frames):,} picture{'' if len(audit.frames) == 1 else 's'}"
    verdict = (
        f"{pictures} were labelled again by a second method that shares no code with the first: "
        + ("all kinds of label agree." if audit.passed else "some kinds of label disagree.")
    )
    if audit.annotations_sha256 not in manifest.files.values():
        verdict += " That was an earlier state of this dataset: audit it again."
    return AuditPart(verdict=verdict, rows=tuple(_audit_rows(audit)))


def _audit_rows(audit: AuditRecord) -> Iterator[tuple[str, ...]]:
    for name, kind in audit.kinds.items():
        yield (
            name,
            f"{kind.compared:,}",
            f"{kind.agreeing:,}",
            "" if kind.worst is None else f"{kind.worst:.4g}",
            kind.limit,
            "good" if kind.passed else "failed",
        )
