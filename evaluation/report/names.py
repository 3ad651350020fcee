"""What metrics, trainings and test sets are called in front of people."""

from __future__ import annotations

import re

__all__ = ["HEADLINES", "METRICS", "REGIMES", "metric_name", "set_name"]

METRICS: dict[str, tuple[str, str]] = {
    "mask_ap50": ("Mask AP50", "objects found, outline at least half right"),
    "mask_ap75": ("Mask AP75", "outline at least three quarters right"),
    "mask_ap": ("Mask AP", "averaged over ten degrees of strictness"),
    "box_ap50": ("Box AP50", "objects found, box at least half right"),
    "box_ap75": ("Box AP75", "box at least three quarters right"),
    "box_ap": ("Box AP", "averaged over ten degrees of strictness"),
    "keypoint_ap50": ("Keypoint AP50", "objects found, keypoints roughly right"),
    "keypoint_ap": ("Keypoint AP", "averaged over ten degrees of strictness"),
    "add_s_auc": ("ADD-S AUC", "surface of the posed model against the true one"),
    "add_auc": ("ADD AUC", "points of the posed model against the true ones"),
    "hota": ("HOTA", "objects found and followed"),
    "mota": ("MOTA", "objects found, without mistakes"),
    "idf1": ("IDF1", "objects that keep their identity"),
    "miou": ("Mean IoU", "overlap of areas, background included"),
    "dice": ("Dice", "overlap of areas"),
    "iou": ("IoU", "overlap of areas"),
    "boundary_iou": ("Boundary IoU", "overlap of the areas' rims"),
    "pixel_accuracy": ("Pixel accuracy", "pixels labelled rightly"),
    "accuracy": ("Accuracy", "pictures answered rightly"),
    "macro_f1": ("Macro F1", "every class counts the same"),
    "mcc": ("MCC", "correlation of answer and truth, 0 is guessing"),
}
"""Main metrics in the order of a table: name for people, what it says. All reach from 0 to 1."""

HEADLINES = (*("mask_ap50", "box_ap50", "keypoint_ap50", "add_s_auc", "hota", "accuracy", "miou"),)
"""The one that says most first."""

REGIMES = {
    "synthetic": "Trained on rendered frames",
    "real": "Trained on real pictures",
    "mixed": "Trained on both",
    "pretrain_finetune": "Trained on rendered frames, then real pictures",
}

_OBJECTS = re.compile(r"(box|mask|keypoint)_(ap|ar)_?(\d*)_?(small|medium|large|)$")
_WORDS = {
    "auc": "AUC", "f1": "F1", "roc": "ROC", "pr": "PR", "ece": "ECE", "iou": "IoU",
    "motp": "MOTP", "idp": "IDP", "idr": "IDR", "det": "Det", "mssd": "MSSD", "mspd": "MSPD",
    "add": "ADD", "ar": "AR", "pck": "PCK",
}  # fmt: skip


def metric_name(metric: str) -> str:
    """Any metric's name.

    >>> metric_name("box_ap_small"), metric_name("mask_ar10"), metric_name("box_best_f1")
    ('Box AP, small objects', 'Mask AR, 10 a picture', 'Box best F1')
    """
    if metric in METRICS:
        return METRICS[metric][0]
    if found := _OBJECTS.match(metric):
        kind, measure, number, size = found.groups()
        rest = f", {size} objects" if size else f", {number} a picture" if measure == "ar" else ""
        return f"{kind.capitalize()} {measure.upper()}{rest}"
    words = [_WORDS.get(word, word) for word in metric.split("_")]
    text = " ".join(words)
    return f"{text[:1].upper()}{text[1:]}"


def set_name(tested_on: str | None, split: str | None) -> str:
    """A test set for people; the split is told where it is not the one that counts."""
    name, _, domain = (tested_on or "test set").rpartition("/")
    words = {"real": f"{name}, real", "synthetic": f"{name}, rendered"}
    part = f" ({split})" if split in ("train", "val") else ""
    return words.get(domain, tested_on or "test set") + part
