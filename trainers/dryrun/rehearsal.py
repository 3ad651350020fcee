"""The dry run: what can be known before hours are spent."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.drawing import encode_image
from pipeline.formats.storage import write_bytes_atomic, write_json_atomic
from pipeline.progress import Progress, silent
from pipeline.specs.training import TrainSpec
from trainers.devices import use_all_cores
from trainers.dryrun.findings import Finding, Verdict, worst
from trainers.dryrun.initial import check_gradients, check_initial_loss
from trainers.dryrun.memory import check_memory
from trainers.dryrun.pictures import draw_findings
from trainers.dryrun.steps import OVERFIT_STEPS, RANGE_STEPS, check_one_batch, check_rate
from trainers.fitting import Run, open_run

__all__ = ["Rehearsal", "rehearse"]

_CHECKS = 3  # beside those that take steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What came of a dry run.

    Attributes:
        findings: One per check, in the order of the page.
        summary: What is to be trained, in a line.
    """

    findings: tuple[Finding, ...]
    summary: str

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        return worst(list(self.findings))

    def lines(self) -> tuple[str, ...]:
        """The page."""
        width = max(len(finding.check) for finding in self.findings)
        rows = [f"{f.check:<{width}}  {f.verdict:<6}  {f.text}" for f in self.findings]
        broken = ", ".join(f.check for f in self.findings if f.verdict == "broken")
        ends = {
            "ok": "Nothing stands in the way.",
            "look": "Nothing is broken; look at what is marked.",
            "broken": f"Broken: {broken}. Training would be in vain.",
        }
        return (self.summary, *rows, ends[self.verdict])

    def document(self) -> dict[str, Any]:
        """``dry-run.json``."""
        return {
            "verdict": self.verdict,
            "summary": self.summary,
            "findings": [asdict(finding) for finding in self.findings],
        }


def rehearse(
    spec: TrainSpec, folder: Path | None = None, *, progress: Progress = silent
) -> Rehearsal:
    """Look at a run before it is trained: about a hundred steps, nothing is kept.

    Args:
        spec: The run.
        folder: Gets ``dry-run.json``, ``dry-run.png`` and ``batch.png`` (the first batch with its
            labels); None: nothing is written.
        progress: Told of every step.

    Raises:
        InputError: As ``train``.
    """
    run = open_run(spec, folder or Path())
    total, done = _CHECKS + RANGE_STEPS + OVERFIT_STEPS, 0

    def tick() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    with use_all_cores():
        findings = []
        for check in (check_initial_loss, check_gradients, check_memory):
            findings.append(check(run))
            tick()
        findings += [check(run, tick) for check in (check_rate, check_one_batch)]
    progress(total, total)
    rehearsal = Rehearsal(findings=tuple(findings), summary=_summary(run))
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        write_json_atomic(folder / "dry-run.json", rehearsal.document())
        by_check = {finding.check: finding for finding in findings}
        picture = draw_findings(by_check, rate=spec.learning_rate)
        write_bytes_atomic(folder / "dry-run.png", picture)
        write_bytes_atomic(folder / "batch.png", encode_image(run.task.picture(0)))
    return rehearsal


def _summary(run: Run) -> str:
    spec = run.spec
    name = f"{spec.model.name} on {spec.model.backbone}" if spec.model.backbone else spec.model.name
    return (
        f"dry run: {name}, {len(run.task.categories)} classes, batches of {spec.batch_size} at "
        f"{spec.input_px} px, {spec.optimiser.name}, {run.device.type}"
    )
