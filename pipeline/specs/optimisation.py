"""How a network is trained, and by what it is judged while it trains."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from pipeline.specs.document import Spec, SpecPath

__all__ = ["METRICS", "OptimiserSpec", "Precision", "ScheduleSpec", "ValidationSpec"]

Precision = Annotated[Literal["32", "bf16-mixed", "16-mixed"], BeforeValidator(str)]
"""Of the arithmetic inside the network; weights and their average stay in 32 bits."""

METRICS = {
    "detection": ("box_ap", "box_ap50", "box_ap75", "mask_ap", "mask_ap50", "mask_ap75"),
    "semantic": ("miou", "pixel_accuracy"),
    "classification": ("accuracy", "macro_f1"),
    "keypoints": (
        "keypoint_ap",
        "keypoint_ap50",
        "keypoint_ap75",
        "pck@0.02",
        "pck@0.05",
        "pck@0.1",
    ),
}
"""What training can compute of a validation set, by task; the first is the default."""


class _Named(Spec):
    """A choice with options; without any, its name alone will do (``optimiser: sgd``)."""

    name: str

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:  # noqa: ANN401
        return {"name": value} if isinstance(value, str) else value

    def _refuse_others(self, heeded: set[str]) -> None:
        """Options that differ from their default, though what is named has none of them."""
        fields = type(self).model_fields.items()
        changed = {k for k, field in fields if k != "name" and getattr(self, k) != field.default}
        if changed - heeded:
            raise ValueError(f"{self.name} has no {', '.join(sorted(changed - heeded))}")


class OptimiserSpec(_Named):
    """A rule that turns gradients into steps.

    Attributes:
        momentum: Of ``sgd`` and ``rmsprop``; 0 without.
        nesterov: Nesterov's momentum (``sgd``).
    """

    name: Literal["adamw", "adam", "sgd", "rmsprop", "adagrad"] = "adamw"
    momentum: float = Field(default=0.9, ge=0, lt=1)
    nesterov: bool = False

    @model_validator(mode="after")
    def _heeded(self) -> OptimiserSpec:
        heeded = {"sgd": {"momentum", "nesterov"}, "rmsprop": {"momentum"}}
        self._refuse_others(heeded.get(self.name, set()))
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0")
        return self


class ScheduleSpec(_Named):
    """The learning rate by step, relative to ``learning_rate``, after the warm-up.

    Attributes:
        milestones: Where ``step`` multiplies the rate by ``factor``: fractions of all steps.
        factor: See milestones.
        final: What ``cosine`` and ``linear`` end at.
    """

    name: Literal["cosine", "linear", "step", "inverse_sqrt", "constant", "one_cycle"] = "cosine"
    milestones: tuple[float, ...] = (0.6, 0.9)
    factor: float = Field(default=0.1, gt=0, lt=1)
    final: float = Field(default=0.0, ge=0, le=1)

    @field_validator("milestones")
    @classmethod
    def _inside(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if list(values) != sorted(set(values)) or not all(0 < value < 1 for value in values):
            raise ValueError("expected rising numbers between 0 and 1")
        return values

    @model_validator(mode="after")
    def _heeded(self) -> ScheduleSpec:
        heeded = {"step": {"milestones", "factor"}, "cosine": {"final"}, "linear": {"final"}}
        self._refuse_others(heeded.get(self.name, set()))
        return self


class ValidationSpec(Spec):
    """Labelled pictures that choose the checkpoint; never the ones that a result is quoted on.

    Attributes:
        path: A dataset, a benchmark, or an ImageFolder.
        split: Of a benchmark; ``test`` is refused.
        every_steps: How often the average is scored; the last step always is.
        metric: What is best; the task's first in ``METRICS`` unless named.
        patience: Training ends when so many scores in a row bring nothing better; None: never.
    """

    path: SpecPath
    split: str = "val"
    every_steps: int = Field(ge=1)
    metric: str | None = None
    patience: int | None = Field(default=None, ge=1)

    @field_validator("split")
    @classmethod
    def _not_the_test(cls, value: str) -> str:
        if value == "test":
            raise ValueError("a test split is kept for `blendgap evaluate`; name another")
        return value
