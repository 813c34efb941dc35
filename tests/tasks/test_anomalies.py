"""Anomalies: scores equal the slow obvious ones, thresholds hold, and what hides is found with a history."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import LocalOutlierFactor

from tests.tiny_encoder import TinyEncoder
from workbench import corpora, embed
from workbench.ann import Index
from workbench.errors import IdentityError, InputError, VectorError
from workbench.records import Corpus, ModelIdentity, Vectors
from workbench.tasks import anomalies

rng = np.random.default_rng(0)
KINDS = rng.normal(size=(40, 12)).astype(np.float32)
HISTORY = KINDS[np.append(rng.integers(0, 36, 296) ** 2 // 36, [36, 37, 38, 39])]  # some often, some once
ASKED = np.concatenate([KINDS[:5], rng.normal(size=(20, 12))]).astype(np.float32)
OTHER = ModelIdentity("another", "1", 12)


def distances(a: np.ndarray, b: np.ndarray, metric: str) -> np.ndarray:
    wide, far = a.astype(np.float64), b.astype(np.float64)
    if metric == "euclidean":
        return np.linalg.norm(wide[:, None] - far, axis=2)
    return (
        1 - (wide / np.linalg.norm(wide, axis=1, keepdims=True)) @ (far / np.linalg.norm(far, axis=1, keepdims=True)).T
    )


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("k", [1, 5, 60])
def test_neighbours_count_as_often_as_they_occur(metric: str, k: int) -> None:
    detector = anomalies.AnomalyDetector(k=k, metric=metric).fit(HISTORY)
    assert len(detector) == 300 and detector.distinct == len(np.unique(HISTORY, axis=0)) < 40
    slow = np.sort(distances(ASKED, HISTORY, metric), axis=1)[:, :k].mean(axis=1)
    np.testing.assert_allclose(detector.scores(ASKED), slow, atol=2e-5)
    np.testing.assert_allclose(
        [detector.score_one(one) for one in ASKED], slow, atol=2e-3 if metric == "euclidean" else 2e-5
    )
    among = distances(HISTORY, HISTORY, metric)
    np.fill_diagonal(among, np.inf)
    slow = np.sort(among, axis=1)[:, :k].mean(axis=1)
    np.testing.assert_allclose(detector.history_scores, slow, atol=2e-5)


def test_equal_lines_have_distance_zero_and_equal_scores() -> None:
    detector = anomalies.AnomalyDetector(k=2).fit(np.repeat(KINDS, 3, axis=0))
    assert (detector.scores(KINDS) == 0).all() and (detector.history_scores == 0).all()
    assert detector.threshold(0.99) == 0 < detector.scores(ASKED[5:]).min()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_an_approximate_search_agrees_where_the_graph_finds_all(data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 10_000))
    draw = np.random.default_rng(seed)
    history = draw.normal(size=(draw.integers(8, 60), 6)).astype(np.float32)
    asked = draw.normal(size=(7, 6)).astype(np.float32)
    metric = data.draw(st.sampled_from(["cosine", "euclidean"]))
    exact = anomalies.AnomalyDetector(k=3, metric=metric).fit(history)
    graph = anomalies.AnomalyDetector(k=3, metric=metric, approximate=True).fit(history)
    np.testing.assert_allclose(graph.scores(asked), exact.scores(asked), atol=1e-5)
    np.testing.assert_allclose(graph.history_scores, exact.history_scores, atol=1e-5)
    np.testing.assert_allclose([graph.score_one(one) for one in asked], exact.scores(asked), atol=1e-5)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_a_line_that_the_graph_finds_too_little_for_is_searched_exactly(metric, monkeypatch) -> None:
    exact = anomalies.AnomalyDetector(k=3, metric=metric).fit(HISTORY)
    graph = anomalies.AnomalyDetector(k=3, metric=metric, approximate=True).fit(HISTORY)
    whole = Index.search

    def lost(self, queries, k, search=()):
        rows = whole(self, queries, k, search)
        rows[::2, -1] = -1
        return rows

    monkeypatch.setattr(Index, "search", lost)
    np.testing.assert_allclose(graph.scores(ASKED), exact.scores(ASKED), atol=1e-5)


def test_local_outlier_factor_is_that_of_scikit_learn_over_distinct_lines() -> None:
    detector = anomalies.AnomalyDetector("lof", k=4, metric="euclidean").fit(HISTORY)
    distinct = np.unique(HISTORY, axis=0)
    theirs = LocalOutlierFactor(4, novelty=True).fit(distinct)
    np.testing.assert_allclose(detector.scores(ASKED), -theirs.score_samples(ASKED), rtol=1e-5)
    np.testing.assert_allclose(detector.score_one(ASKED[7]), detector.scores(ASKED)[7], rtol=1e-6)
    once = np.flatnonzero((HISTORY[:, None] == HISTORY).all(axis=2).sum(axis=1) == 1)
    assert len(once)
    for row in once:
        at = np.flatnonzero((distinct == HISTORY[row]).all(axis=1))[0]
        assert detector.history_scores[row] == pytest.approx(-theirs.negative_outlier_factor_[at], rel=1e-5)


@pytest.mark.parametrize("method", list(anomalies.METHODS))
def test_a_history_finds_what_stands_apart_and_a_threshold_holds(method: str) -> None:
    draw = np.random.default_rng(1)
    normal, fresh = (draw.normal(size=(n, 8)).astype(np.float32) + 6 for n in (800, 2_000))
    strange = draw.normal(size=(60, 8)).astype(np.float32) * 2 - 4
    detector = anomalies.AnomalyDetector(method, k=10, metric="euclidean", seed=3).fit(normal)
    labels = np.repeat([0, 1], [2_000, 60])
    scores = detector.scores(np.concatenate([fresh, strange]))
    assert anomalies.detection_quality(labels, scores).roc_auc.low > 0.99
    false = (scores[:2_000] > detector.threshold(0.95)).mean()
    assert 0.02 < false < 0.09
    assert detector.threshold(1.0) >= detector.threshold(0.9) >= detector.threshold(0.0)
    assert (detector.history_scores > detector.threshold(0.95)).mean() <= 0.05


def test_the_nearest_normal_lines_are_rows_of_the_history() -> None:
    detector = anomalies.AnomalyDetector().fit(HISTORY)
    found = detector.nearest(ASKED, 3)
    slow = distances(ASKED, HISTORY, "cosine").min(axis=1)
    np.testing.assert_allclose(1 - found.scores[:, 0], slow, atol=1e-5)
    for row in found.ids[:, 0]:
        assert (HISTORY[:row] == HISTORY[row]).all(axis=1).sum() == 0, "named by its first occurrence"
    assert len({tuple(HISTORY[row]) for row in found.ids[0]}) == 3
    assert detector.nearest(ASKED, 10_000).k == detector.distinct


def test_anomalies_that_repeat_hide_among_themselves_and_not_from_a_history() -> None:
    log = corpora.load("service-logs", lines=3_000, anomalies=0.1, seed=2, drift=None)
    vectors = embed.embed(log, TinyEncoder(), cache=False, progress=False)
    first = int(np.flatnonzero(log.metadata["label"])[0])
    history, rest = vectors.take(range(first)), vectors.take(range(first, 3_000))
    burst = log.metadata["anomaly"].iloc[first:] == "burst"
    kept = (burst | (log.metadata["label"].iloc[first:] == 0)).to_numpy()
    with pytest.warns(anomalies.NoHistoryWarning, match=r"repeats were counted\). Give a history"):
        trapped = anomalies.score_alone(rest, collapse=False)
    alone = anomalies.detection_quality(burst[kept], trapped[kept]).roc_auc
    detector = anomalies.AnomalyDetector().fit(history)
    against = anomalies.detection_quality(burst[kept], detector.scores(rest)[kept]).roc_auc
    assert alone.high < 0.2 and against.low > 0.9


def test_repeats_are_collapsed_and_the_reason_is_said() -> None:
    same = np.repeat(rng.normal(size=(1, 12)).astype(np.float32), 30, axis=0)
    both = np.concatenate([HISTORY, same])
    with pytest.warns(
        anomalies.NoHistoryWarning, match=rf"330 lines .* \({330 - len(np.unique(both, axis=0))} repeats"
    ):
        collapsed = anomalies.score_alone(both)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", anomalies.NoHistoryWarning)
        counted = anomalies.score_alone(both, collapse=False)
        forest = anomalies.score_alone(both, "forest")
    assert (counted[-30:] == 0).all() and (collapsed[-30:] > 0.1).all() and len(set(collapsed[-30:])) == 1
    assert len(forest) == 330


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=60))
def test_quality_is_that_of_scikit_learn_with_ties(rows: list[tuple[bool, int]]) -> None:
    labels, scores = np.array([one for one, _ in rows]), np.array([float(one) for _, one in rows])
    if labels.all() or not labels.any():
        with pytest.raises(InputError, match="labels say"):
            anomalies.detection_quality(labels, scores)
        return
    found = anomalies.detection_quality(labels, scores)
    assert found.roc_auc.mean == pytest.approx(roc_auc_score(labels, scores))
    assert found.average_precision.mean == pytest.approx(average_precision_score(labels, scores))
    for one in (found.roc_auc, found.average_precision):
        assert 0 <= one.low <= one.high <= 1
    assert found.roc.iloc[-1][["false_alarms", "recall"]].tolist() == [1, 1]
    for row in found.precision_recall.itertuples():
        at = anomalies.alarms(labels, scores, row.threshold - 0.5)
        assert (at.precision.mean, at.recall.mean) == pytest.approx((row.precision, row.recall))


def test_the_lines_of_one_cause_are_one_piece_of_evidence() -> None:
    draw = np.random.default_rng(5)
    causes = np.repeat([f"event {n}" for n in range(6)] + [""], [40] * 6 + [1_000])
    labels = np.repeat([1, 0], [240, 1_000])
    scores = np.concatenate([np.repeat(draw.normal(0.5, 1, 6), 40), draw.normal(size=1_000)])
    alone, grouped = (anomalies.detection_quality(labels, scores, groups=groups).roc_auc for groups in (None, causes))
    assert alone.mean == grouped.mean
    assert grouped.high - grouped.low > 3 * (alone.high - alone.low)


def test_intervals_cover() -> None:
    draw, inside = np.random.default_rng(6), 0
    for _ in range(60):
        labels = np.repeat([1, 0], [40, 120])
        scores = np.concatenate([draw.normal(1, 1, 40), draw.normal(0, 1, 120)])
        at = anomalies.detection_quality(labels, scores).roc_auc
        inside += at.low <= 0.7602 <= at.high  # the normal distribution function at 1 / sqrt(2)
    assert inside >= 50


def test_a_threshold_by_labels_is_stated_on_the_other_half() -> None:
    draw = np.random.default_rng(7)
    labels = np.repeat([1, 0], [100, 900])
    scores = np.concatenate([draw.normal(4, 1, 100), draw.normal(0, 1, 900)])
    found = anomalies.fit_alarms(labels, scores)
    assert found.lines == 500 and 1 < found.threshold < 3.5
    assert found.f1.mean > 0.85 and found.f1.low < found.f1.mean < found.f1.high
    chance = anomalies.fit_alarms(labels, draw.normal(size=1_000))
    assert chance.f1.mean < 0.3
    causes = np.where(labels == 1, "one cause", "")
    with pytest.raises(InputError, match="one half of the lines has no anomaly"):
        anomalies.fit_alarms(labels, scores, groups=causes)


def test_a_threshold_that_nothing_passes() -> None:
    found = anomalies.alarms([0, 1, 1], [0.1, 0.2, 0.3], 5.0)
    assert (found.raised, found.false_alarms, found.missed) == (0, 0, 2)
    assert found.precision.mean == found.recall.mean == found.f1.mean == 0


@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, None],
        ["normal", "x", ""],
        [False, True, False],
        ["-", "FATAL", "-"],
        [0.0, 1.0, float("nan")],
        ["No", "yes", "0"],
    ],
)
def test_labels_as_logs_have_them(labels: list) -> None:
    assert anomalies.as_labels(labels).tolist() == [False, True, False]


def test_what_is_refused() -> None:
    named = Vectors(tuple(map(str, range(300))), HISTORY, OTHER)
    detector = anomalies.AnomalyDetector().fit(named)
    for call, error, says in (
        (
            lambda: anomalies.AnomalyDetector("svm"),
            InputError,
            "there is no method 'svm'. Those there are: knn, lof, forest",
        ),
        (lambda: anomalies.AnomalyDetector(k=0), InputError, "k=0"),
        (lambda: anomalies.AnomalyDetector(metric="dot"), InputError, "no distance"),
        (lambda: anomalies.AnomalyDetector().fit(Vectors(named.ids, HISTORY, metric="dot")), InputError, "no distance"),
        (lambda: anomalies.AnomalyDetector("lof", approximate=True), InputError, "does not search approximately"),
        (lambda: anomalies.AnomalyDetector().scores(ASKED), InputError, "no history"),
        (lambda: anomalies.AnomalyDetector().score_one(ASKED[0]), InputError, "no history"),
        (lambda: anomalies.AnomalyDetector().threshold(), InputError, "no history"),
        (
            lambda: anomalies.AnomalyDetector(k=5).fit(HISTORY[:5]),
            InputError,
            "a history of 5 lines has no 5 neighbours",
        ),
        (
            lambda: anomalies.AnomalyDetector("lof", k=5).fit(np.repeat(HISTORY[:1], 9, axis=0)),
            InputError,
            "1 distinct lines",
        ),
        (lambda: detector.threshold(1.5), InputError, "the quantile 1.5"),
        (lambda: detector.scores(ASKED[:, :5].copy()), VectorError, "5"),
        (lambda: detector.score_one(ASKED[0, :5]), VectorError, r"shape \(5,\)"),
        (lambda: detector.score_one(np.full(12, np.nan)), VectorError, "NaN"),
        (lambda: detector.scores(Vectors(("a",), ASKED[:1], ModelIdentity("one", "1", 12))), IdentityError, "another"),
        (lambda: anomalies.detection_quality([0, 1], [0.5]), InputError, "for 2 labels"),
        (lambda: anomalies.detection_quality([0, 1], [0.5, np.nan]), InputError, "row 1 has no finite score"),
        (lambda: anomalies.detection_quality([0, 1], [0.5, 1], groups=["a"]), InputError, "1 groups for 2 labels"),
        (lambda: anomalies.as_labels(["x", "y"]), InputError, "all 2 labels say an anomaly"),
        (lambda: anomalies.as_labels([0, 0]), InputError, "all 2 labels say normal"),
    ):
        with pytest.raises(error, match=says):
            call()


def test_a_new_history_replaces_the_old_one() -> None:
    detector = anomalies.AnomalyDetector(k=1).fit(HISTORY)
    before = detector.score_one(ASKED[9]), detector.threshold(0.5)
    detector.fit(np.concatenate([HISTORY, ASKED]))
    assert detector.score_one(ASKED[9]) < 1e-6 < before[0]
    assert repr(detector) == f"AnomalyDetector(knn, 325 lines, {detector.distinct} distinct)"
    assert repr(anomalies.AnomalyDetector()) == "AnomalyDetector(knn, no history)"


def test_a_corpus_goes_through_whole() -> None:
    lines = Corpus(("a", "b", "c", "d"), ("up 1", "up 2", "up 3", "up 4"))
    masked = [corpora.mask_variables(text) for text in lines.texts]
    vectors = embed.embed(masked, TinyEncoder(), cache=False, progress=False)
    detector = anomalies.AnomalyDetector(k=3).fit(vectors)
    assert detector.distinct == 1 and detector.threshold() == 0
