"""The report on rendered against real pictures, and on the worst of these."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from painting import paint_dataset

from evaluation.analysis.domains import compare_domains, write_domains
from evaluation.analysis.feature_space import FeatureSpace
from evaluation.report.cases import PredictedSet
from evaluation.report.inputs import ReportInputs
from evaluation.report.markdown_page import write_markdown
from evaluation.report.page import write_report
from evaluation.scores import ScoreContext, evaluate, write_scores
from pipeline.drawing import read_rgb
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.geometry.boxes import xywh_from_xyxy


def coarse(paths):
    small = [cv2.resize(read_rgb(p), (4, 4), interpolation=cv2.INTER_AREA) for p in paths]
    return np.array([each.ravel() / 255.0 for each in small])


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A network that finds nothing on the third of twelve real pictures, one of them dark."""
    folder = tmp_path_factory.mktemp("domains")
    real = paint_dataset(folder / "real", frames=12, seed=0)
    frames = paint_dataset(folder / "frames", frames=14, seed=1)
    (real / "manifest.json").unlink()
    truth = read_coco(find_annotations(real))
    third = truth.images[2]
    cv2.imwrite(str(third.path), np.zeros((third.height, third.width, 3), np.uint8))
    entries = [
        {
            "image_id": g.image_id,
            "category_id": g.category_id,
            "bbox": xywh_from_xyxy(np.array(g.box_xyxy)).tolist(),
            "segmentation": dict(g.rle),
            "score": 0.9,
        }
        for group in truth.instances.values()
        for g in group
        if not g.iscrowd and g.image_id != third.image_id
    ]
    predictions = folder / "p.json"
    predictions.write_text(json.dumps(entries))
    context = ScoreContext(regime="synthetic", tested_on="real/real")
    scores = folder / "out" / "scores.json"
    write_scores([evaluate(predictions, real, context=context)], scores)
    found = compare_domains(
        synthetic=read_coco(find_annotations(frames)),
        real=truth,
        real_name="real/val",
        scored=truth,
        boxes=True,
        space=FeatureSpace(network="<mean colours>", extract=coarse),
    )
    write_domains(found, folder / "out" / "domains.json")
    return ReportInputs(
        title="Report",
        scores=scores,
        domains=folder / "out" / "domains.json",
        predicted=(PredictedSet(name="net", predictions=predictions, benchmark=real),),
        datasets=(frames,),
    )


def test_differences_and_failures_are_told(inputs, tmp_path):
    html = write_report(inputs, tmp_path / "out" / "report.html").read_text()
    domains = html[html.index('id="domains"') :]
    assert "14 training frames beside 12 real pictures of real/val" in domains
    assert "&lt;mean colours&gt;" in domains
    assert "<mean colours>" not in domains
    assert "Kernel distance" in domains
    assert domains.count('class="dot line-0"') >= 2 * 14, "on both maps"
    assert "t-SNE, perplexity 8.33" in domains
    assert "How far groups lie apart" in domains
    failures = html[html.index('id="failures"') :]
    failures = failures[: failures.index("</section>")]
    third = read_coco(find_annotations(inputs.predicted[0].benchmark)).images[2]
    assert failures.count("<h3>") == 1, "the others are found whole"
    assert third.file_name in failures
    assert "Darker than any training frame (brightness, mean, % of full scale: 0 here" in failures
    assert failures.count("training frame 0") == 3, "the nearest ones, in their alternative texts"


def test_without_a_comparison_the_report_is_as_before(inputs, tmp_path):
    plain = ReportInputs(title="Report", scores=inputs.scores, predicted=inputs.predicted)
    html = write_report(plain, tmp_path / "out" / "plain.html").read_text()
    assert 'id="domains"' not in html
    assert 'id="failures"' not in html


def test_markdown_tells_the_same_without_photographs(inputs, tmp_path):
    page = write_markdown(inputs, tmp_path / "plain")
    text = page.read_text()
    assert "14 training frames beside 12 real pictures of real/val" in text
    assert "&lt;mean colours&gt;" in text
    assert "Kernel distance" in text
    assert "- Pictures that lie side by side here are alike." in text
    failures = text[text.index("## The worst real pictures") :]
    failures = failures[: failures.index("## ", 3)]
    assert "- Darker than any training frame (brightness, mean, % of full scale: 0 here" in failures
    shown = re.findall(r"figures/([\w.-]+)", failures)
    assert [Path(name).stem for name in shown] == [f"nearest-1-{number}" for number in (1, 2, 3)]
    written = {path.name for path in (page.parent / "figures").iterdir()}
    assert set(shown) <= written
    assert {name.split("-")[0] for name in written if not name.endswith(".svg")} == {
        "dataset",
        "nearest",
    }
    asked = write_markdown(inputs, tmp_path / "asked", photographs=True)
    added = {path.name for path in (asked.parent / "figures").iterdir()} - written
    assert {name.split("-")[0] for name in added} == {
        "picture",
        "failure",
        "error",
        "best",
        "worst",
    }
