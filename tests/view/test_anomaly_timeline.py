"""AnomalyTimeline and its figures: what is an alarm, what is listed, which normal lines stand beside a line."""

import numpy as np
import pandas as pd
import pytest

from tests.tiny_encoder import TinyEncoder
from workbench import callbacks, corpora, embed
from workbench.errors import InputError
from workbench.records import Corpus
from workbench.tasks import anomalies
from workbench.view import AnomalyTimeline, figures

LOG = corpora.load("service-logs", lines=900, anomalies=0.1, seed=1)
TEXTS = tuple(f"<b>{corpora.mask_variables(text)}</b> $x$" for text in LOG.texts)
VECTORS = embed.embed(Corpus(LOG.ids, TEXTS), TinyEncoder(), cache=False, progress=False)
FIRST = int(np.flatnonzero(LOG.metadata["label"])[0])
PAST, LATER = np.arange(FIRST), np.arange(FIRST, 900)
LINES, HISTORY = (Corpus(LOG.ids, TEXTS, LOG.metadata).take(rows) for rows in (LATER, PAST))
DETECTOR = anomalies.AnomalyDetector().fit(VECTORS.take(PAST))
TRUTH = LINES.metadata["label"].to_numpy(dtype=bool)


@pytest.fixture(autouse=True)
def no_leftovers():
    yield
    callbacks.check()


def watched(**options) -> AnomalyTimeline:
    return AnomalyTimeline(LINES, VECTORS.take(LATER), DETECTOR, HISTORY, **options)


def test_the_slider_moves_the_threshold_and_says_what_is_found() -> None:
    view = watched()
    counts = []
    for share in (0.9, 0.99, 1.0):
        view.quantile.value = share
        assert view.threshold == DETECTOR.threshold(share)
        raised = view.scores > view.threshold
        assert view.alarms.tolist() == np.flatnonzero(raised).tolist()
        said = view._status.value
        assert f"<b>{raised.sum():,} alarms</b> among {len(LATER):,} lines" in said
        assert f"{(raised & TRUTH).sum():,} of {TRUTH.sum():,} anomalies found" in said
        assert f"{(raised & ~TRUTH).sum():,} false alarms" in said
        rectangle, line = view.figure.layout.shapes[:2]
        assert rectangle.y0 == line.y0 == line.y1 == view.threshold
        counts.append(raised.sum())
    assert counts[0] > counts[1] >= counts[2]


def test_what_is_drawn_is_every_line_at_its_time() -> None:
    view = watched(marks={"release <i>": LINES.metadata["time"].iloc[200]})
    normal, strange = view.figure.data
    assert sorted([*normal.customdata, *strange.customdata]) == list(range(len(LATER)))
    assert np.flatnonzero(TRUTH).tolist() == list(strange.customdata)
    np.testing.assert_allclose(normal.y, view.scores[~TRUTH], atol=1e-6)
    milliseconds = LINES.metadata["time"].map(lambda time: time.timestamp() * 1000).to_numpy()
    np.testing.assert_allclose(strange.x, milliseconds[TRUTH])
    assert len(view.figure.layout.shapes) == 3 and view.figure.layout.shapes[2].x0 == pytest.approx(milliseconds[200])
    assert view.figure.layout.annotations[0].text == "release &lt;i&gt;"
    view.quantile.value = 0.9
    assert len(view.figure.layout.shapes) == 3


def test_a_line_chosen_in_the_list_stands_beside_its_nearest_normal_lines() -> None:
    view = watched()
    scores = [view.scores[row] for row in view.rows]
    assert scores == sorted(scores, reverse=True) and len(scores) == 100
    items = view.listed.content["items"]
    assert [item["row"] for item in items] == list(view.rows) and items[0]["score"] == f"{view.scores.max():.3f}"
    row = view.rows[3]
    view.listed._received(None, {"open": row}, [])
    assert view.chosen == row
    assert list(view.nearest) == DETECTOR.nearest(VECTORS.take([LATER[row]]), 5).ids[0].tolist()
    said = view._panel.value
    assert "<b>" not in said and "&lt;b&gt;" in said and f"score {view.scores[row]:.3f}" in said
    ring = view.figure.layout.shapes[-1]
    assert ring.type == "circle" and ring.yanchor == pytest.approx(view.scores[row])
    assert pd.Timestamp(ring.xanchor, tz="UTC") == LINES.metadata["time"].iloc[row]
    view.quantile.value = 0.95
    assert view.figure.layout.shapes[-1].xanchor == ring.xanchor and len(view.figure.layout.shapes) == 3


def test_a_click_chooses_the_line() -> None:
    view = watched()
    strange = view.figure.data[1]
    view._clicked(strange, type("Points", (), {"point_inds": [4]}), None)
    assert view.chosen == strange.customdata[4] and " · an anomaly" in view._panel.value
    view.choose(int(view.figure.data[0].customdata[0]))
    assert " · a normal line" in view._panel.value
    with pytest.raises(InputError, match="no row 9,999"):
        view.choose(9_999)


def test_mistakes_can_be_listed() -> None:
    view = watched(quantile=0.98)
    for kind, wrong in (("false alarms", ~TRUTH), ("missed anomalies", TRUTH)):
        view.kind.value = kind
        rows = set(view.rows)
        assert rows <= set(np.flatnonzero(wrong)) and all(
            (row in view.alarms) == (kind == "false alarms") for row in rows
        )
    before = set(view.rows)
    view.quantile.value = 1.0
    assert before < set(view.rows), "a higher threshold misses more"


def test_without_labels_and_times() -> None:
    view = watched(labels=None, time=None)
    assert view.kind.options == ("strangest lines",) and "anomalies found" not in view._status.value
    assert list(view.figure.data[0].x) == list(range(len(LATER))) and view.figure.layout.xaxis.title.text == "line"
    view.choose(5)
    assert "an anomaly" not in view._panel.value + str(view.listed.content) and "a normal line" not in view._panel.value


def test_what_it_cannot_show() -> None:
    other = VECTORS.take(PAST)
    with pytest.raises(InputError, match="are not those of the"):
        AnomalyTimeline(LINES, other, DETECTOR, HISTORY)
    with pytest.raises(InputError, match=r"3 lines for a detector with a history of"):
        AnomalyTimeline(LINES, VECTORS.take(LATER), DETECTOR, HISTORY.take([0, 1, 2]))
    for options, says in (
        ({"quantile": 0.7}, "no step 0.7"),
        ({"labels": "kind"}, "no column 'kind'"),
        ({"time": "text"}, "no column 'text'"),
        ({"time": "service"}, "has the time"),
        ({"labels": "service"}, "labels say an anomaly"),
    ):
        with pytest.raises(InputError, match=says):
            watched(**options)


def test_curves_begin_in_the_corner_and_name_guessing() -> None:
    found = anomalies.detection_quality([0, 0, 1, 1, 0], [0.1, 0.4, 0.35, 0.8, 0.2])
    table = pd.concat([found.roc, found.precision_recall[["precision"]]], axis=1).assign(series="<b>knn</b>")
    figure = figures.alarm_curves(table, anomalies=0.4)
    roc, precision, guess, base = figure.data
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1) and roc.name == "&lt;b&gt;knn&lt;/b&gt;"
    np.testing.assert_allclose(precision.y, found.precision_recall["precision"])
    assert list(guess.y) == [0, 1] and list(base.y) == [0.4, 0.4]
    with pytest.raises(InputError, match="no column 'recall'"):
        figures.alarm_curves(table.drop(columns="recall"), anomalies=0.4)
    with pytest.raises(InputError, match=r"share of 0 anomalies"):
        figures.alarm_curves(table, anomalies=0)


def test_long_curves_are_thinned_and_keep_their_ends() -> None:
    steps = np.linspace(0, 1, 5_000)
    table = pd.DataFrame({"series": "a", "false_alarms": steps, "recall": np.sqrt(steps), "precision": 1 - steps / 2})
    drawn = figures.alarm_curves(table, anomalies=0.1).data[0]
    assert len(drawn.x) < 700 and drawn.x[-1] == drawn.y[-1] == 1
