"""What ``blendgap predict`` tells."""

from __future__ import annotations

from flows import networks
from pipeline.records.predictions import PredictionsMeta, meta_path


def test_predict_tells_of_classes_that_do_not_meet(monkeypatch, tmp_path):
    def predicted(run, target, out, **_):
        meta = PredictionsMeta(
            annotations_sha256="0" * 64,
            categories={1: "fig", 2: "date"},
            image_ids=[1, 2, 3],
            unknown_categories=["date"],
            dropped_classes=["hazelnut", "almond"],
        )
        meta_path(out).write_text(meta.model_dump_json(), encoding="utf-8")
        return out

    monkeypatch.setattr(networks, "predict", predicted)
    (tmp_path / "pictures").mkdir()
    outcome = networks.predict_pictures(
        tmp_path / "run", str(tmp_path / "pictures"), tmp_path / "p.json",
        split=None, benchmarks=None, quarter_turns=False,
    )  # fmt: skip
    first, unknown, dropped = outcome.shown
    assert first.endswith("p.json: 3 images")
    assert "never learned date" in unknown
    assert dropped.endswith("has no hazelnut, almond: left out.")
    assert outcome.summary["dropped_classes"] == ["hazelnut", "almond"]
