"""What metrics, trainings and test sets are called in front of people."""

from __future__ import annotations

import re

__all__ = ["HEADLINES", "METRICS", "REGIMES", "metric_hint", "metric_name", "set_name"]

METRICS: dict[str, tuple[str, str]] = {
    "mask_ap50": ("Mask AP50", "objects found, outline at least half right"),
    "mask_ap75": ("Mask AP75", "outline at least three quarters right"),
    "mask_ap": ("Mask AP", "averaged over ten degrees of strictness"),
    "box_ap50": ("Box AP50", "objects found, box at least half right"),
    "box_ap75": ("Box AP75", "box at least three quarters right"),
    "box_ap": ("Box AP", "averaged over ten degrees of strictness"),
    "keypoint_ap50": ("Keypoint AP50", "objects found, keypoints roughly right"),
    "keypoint_ap75": ("Keypoint AP75", "keypoints close to the truth"),
    "keypoint_ap": ("Keypoint AP", "averaged over ten degrees of strictness"),
    "pck@0.005": ("PCK 0.5 %", "keypoints within 0.5 % of the box's diagonal"),
    "pck@0.02": ("PCK 2 %", "keypoints within 2 % of the box's diagonal"),
    "pck@0.05": ("PCK 5 %", "keypoints within 5 % of the box's diagonal"),
    "add_s_auc": ("ADD-S AUC", "surface of the posed model against the true one"),
    "add_s_recall@0.1d": ("ADD-S recall", "surface within a tenth of the object's diameter"),
    "add_auc": ("ADD AUC", "points of the posed model against the true ones"),
    "add_recall@0.1d": ("ADD recall", "points within a tenth of the object's diameter"),
    "mssd_ar": ("MSSD AR", "largest distance in space, symmetries allowed for"),
    "mspd_ar": ("MSPD AR", "largest distance in the picture, symmetries allowed for"),
    "hota": ("HOTA", "objects found and followed"),
    "det_a": ("Detection accuracy", "the part of HOTA for finding"),
    "ass_a": ("Association accuracy", "the part of HOTA for following"),
    "mota": ("MOTA", "objects found, without mistakes"),
    "idf1": ("IDF1", "objects that keep their identity"),
    "miou": ("Mean IoU", "overlap of areas, background included"),
    "dice": ("Dice", "overlap of areas"),
    "iou": ("IoU", "overlap of areas"),
    "boundary_iou": ("Boundary IoU", "overlap of the areas' rims"),
    "pixel_accuracy": ("Pixel accuracy", "pixels labelled rightly"),
    "accuracy": ("Accuracy", "pictures answered rightly"),
    "top5_accuracy": ("Top-5 accuracy", "the truth is among the five likeliest answers"),
    "macro_f1": ("Macro F1", "every class counts the same"),
    "mcc": ("MCC", "correlation of answer and truth, 0 is guessing"),
}
"""Main metrics in the order of a table: name for people, what it says. All reach from 0 to 1."""

_HINTS: dict[str, str] = {
    "best_f1": "highest F1 over all score thresholds",
    "best_threshold": "score from which on F1 is highest",
    "precision": "answers that are right",
    "recall": "objects or pictures that are found",
    "f1": "harmonic mean of precision and recall",
    "macro_precision": "answers that are right, every class counts the same",
    "macro_recall": "pictures that are found, every class counts the same",
    "roc_auc": "a picture of the class ranks above one of another",
    "pr_auc": "precision over all recalls",
    "ece": "confidence against accuracy; less is better",
    "motp": "distance of matched boxes; less is better",
    "idp": "boxes that carry the right identity",
    "idr": "objects that carry the right identity",
    "loc_a": "overlap of matched boxes",
    "id_switches": "changes of identity; less is better",
    "fragmentations": "tracks that break off and go on; less is better",
    "false_positives": "boxes about nothing; less is better",
    "misses": "objects without a box; less is better",
    "reprojection_recall@5px": "points within 5 px in the picture",
    "reprojection_median_px": "middle error in the picture; less is better",
    "add_median_m": "middle error of points; less is better",
    "add_s_median_m": "middle error of the surface; less is better",
    "mssd_median_m": "middle largest distance; less is better",
    "mspd_median_px": "middle largest distance in the picture; less is better",
}
"""What metrics that are not in METRICS say; prefixes like ``box_`` are left out."""

HEADLINES = (
    *("pck@0.02", "keypoint_ap50", "mask_ap50", "box_ap50"),
    *("add_s_auc", "hota", "accuracy", "miou"),
)
"""The one that says most first."""

REGIMES = {
    "synthetic": "Trained on rendered frames",
    "real": "Trained on real pictures",
    "mixed": "Trained on both",
    "pretrain_finetune": "Trained on rendered frames, then real pictures",
}

_OBJECTS = re.compile(r"(box|mask|keypoint)_(ap|ar)_?(\d*)_?(small|medium|large|)$")
_UNITS = {"m": "m", "px": "px"}
_PREFIXES = ("box_", "mask_", "keypoint_")
_WORDS = {
    "auc": "AUC", "f1": "F1", "roc": "ROC", "pr": "PR", "ece": "ECE", "iou": "IoU",
    "motp": "MOTP", "idp": "IDP", "idr": "IDR", "det": "Det", "mssd": "MSSD", "mspd": "MSPD",
    "add": "ADD", "ar": "AR", "pck": "PCK", "id": "identity", "loc": "Localisation",
    "a": "accuracy",
}  # fmt: skip


def metric_name(metric: str) -> str:
    """Any metric's name.

    >>> metric_name("box_ap_small"), metric_name("mask_ar10"), metric_name("box_best_f1")
    ('Box AP, small objects', 'Mask AR, 10 a picture', 'Box best F1')
    >>> metric_name("add_s_median_m"), metric_name("reprojection_recall@5px"), metric_name("loc_a")
    ('ADD-S median, m', 'Reprojection recall at 5 px', 'Localisation accuracy')
    """
    if metric in METRICS:
        return METRICS[metric][0]
    if found := _OBJECTS.match(metric):
        kind, measure, number, size = found.groups()
        rest = f", {size} objects" if size else f", {number} a picture" if measure == "ar" else ""
        return f"{kind.capitalize()} {measure.upper()}{rest}"
    stem, _, at = metric.partition("@")
    unit = next((f", {_UNITS[end]}" for end in _UNITS if stem.endswith(f"_{end}")), "")
    stem = stem[: stem.rindex("_")] if unit else stem
    text = " ".join(_WORDS.get(word, word) for word in stem.split("_"))
    text = text.replace("ADD s", "ADD-S").replace("PCK span", "PCK of the object's span")
    limit = f" at {at.replace('px', ' px')}" if at else ""
    return f"{text[:1].upper()}{text[1:]}{limit}{unit}"


def metric_hint(metric: str) -> str:
    """What a metric says, in a few words; empty where its name says it.

    >>> metric_hint("accuracy"), metric_hint("mask_best_f1"), metric_hint("box_ap_small")
    ('pictures answered rightly', 'highest F1 over all score thresholds', '')
    """
    if metric in METRICS:
        return METRICS[metric][1]
    stem = next((metric.removeprefix(p) for p in _PREFIXES if metric.startswith(p)), metric)
    return _HINTS.get(stem, "")


def set_name(tested_on: str | None, split: str | None) -> str:
    """A test set for people; the split is told where it is not the one that counts."""
    name, _, domain = (tested_on or "test set").rpartition("/")
    words = {"real": f"{name}, real", "synthetic": f"{name}, rendered"}
    part = f" ({split})" if split in ("train", "val") else ""
    return words.get(domain, tested_on or "test set") + part
