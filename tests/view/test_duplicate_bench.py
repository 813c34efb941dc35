"""DuplicateBench: the read-out is what the room measures, the pairs lie about the threshold, texts stay text."""

import numpy as np
import pytest

from workbench import callbacks, tasks
from workbench.errors import InputError
from workbench.records import Corpus, Vectors
from workbench.view import DuplicateBench, figures

rng = np.random.default_rng(0)
LABELS = np.concatenate([np.repeat(np.arange(20), 3), 20 + np.arange(30)])
ARRAY = (rng.normal(size=(50, 8))[LABELS] + 0.6 * rng.normal(size=(len(LABELS), 8))).astype(np.float32)
IDS = tuple(f"r{row}" for row in range(len(LABELS)))
CORPUS = Corpus(IDS, tuple(f"text {row} <img src=x onerror=hacked=1> $x$" for row in range(len(LABELS))))
VECTORS = Vectors(IDS, ARRAY)


@pytest.fixture(autouse=True)
def no_leftovers():
    yield
    callbacks.check()


def test_each_step_says_what_the_threshold_finds():
    bench = DuplicateBench(CORPUS, VECTORS, LABELS)
    assert bench.threshold.value == 0.95
    for at in (0.95, 0.8, 0.61, 1.0, 0.5):
        bench.threshold.value = at
        quality = tasks.duplicate_quality(VECTORS, LABELS, at)
        row = bench.curve[bench.curve["threshold"] == at].iloc[0]
        assert (row["pairs"], row["true"]) == (quality.found, quality.true)
        assert row["f1"] == pytest.approx(quality.f1.mean) and row["recall"] == pytest.approx(quality.recall.mean)
        said = bench._status.value
        assert f"<b>{quality.true}</b> of {quality.wanted} true ones" in said
        assert f"recall <b>{quality.recall.mean:.2f}</b>" in said
        assert bench.figure.layout.shapes[0].x0 == bench.figure.layout.shapes[0].x1 == at
    assert bench.figure.data[2].name == "F1"


def test_the_pairs_about_the_threshold_are_the_nearest_to_it():
    bench = DuplicateBench(CORPUS, VECTORS, LABELS, threshold=0.8)
    pairs = tasks.near_pairs(VECTORS, 0.3, progress=False)
    above = len(pairs.above(0.8))
    assert bench.near["score"].tolist() == pytest.approx(pairs.scores[above - 4 : above + 4].tolist())
    assert bench.near["score"].iloc[3] >= 0.8 > bench.near["score"].iloc[4]
    for pair in bench.near.itertuples():
        assert pair.duplicates == (LABELS[IDS.index(pair.a)] == LABELS[IDS.index(pair.b)])
    assert bench._lists.value.count("● duplicates") == bench.near["duplicates"].sum()
    assert bench._lists.value.count("○ not duplicates") == (~bench.near["duplicates"]).sum()
    assert "threshold 0.80" in bench._lists.value and "<img" not in bench._lists.value
    assert bench._lists.value.count('tabindex="0"') == 2


def test_clusters_are_told_pure_or_mixed():
    bench = DuplicateBench(CORPUS, VECTORS, LABELS, threshold=0.9)
    report = tasks.find_duplicates(VECTORS, 0.9, progress=False)
    assert [rows.tolist() for rows in bench.clusters] == [rows.tolist() for rows in report.rows]
    bench.threshold.value = 0.5
    assert len(bench.clusters[0]) > 20
    assert "different matters" in bench._lists.value and "more</div>" in bench._lists.value


def test_what_it_refuses():
    with pytest.raises(InputError, match=r"no step 0\.955"):
        DuplicateBench(CORPUS, VECTORS, LABELS, threshold=0.955)
    with pytest.raises(InputError, match="by cosine"):
        DuplicateBench(CORPUS, VECTORS.take(range(3)), LABELS)
    with pytest.raises(InputError, match="by cosine"):
        DuplicateBench(CORPUS, Vectors(IDS, ARRAY, metric="euclidean"), LABELS)
    with pytest.raises(InputError, match="no two"):
        DuplicateBench(CORPUS, VECTORS, range(len(LABELS)))
    with pytest.raises(InputError, match="no column 'precision'"):
        figures.duplicate_curve(tasks.threshold_curve(VECTORS, LABELS).drop(columns="precision"))
