"""Figures: every number that goes in is drawn, every text is shown as text."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from workbench.errors import InputError
from workbench.view import figures

HOSTILE = ["<script>alert(1)</script>", '<a href="https://evil.example">x</a>', "$\\LaTeX$ and 5$", "<b>bold</b><br>"]


def written(figure: object) -> str:
    return json.dumps(json.loads(figure.to_json()), ensure_ascii=False)  # type: ignore[attr-defined]


def everything() -> dict[str, object]:
    rng = np.random.default_rng(0)
    names = HOSTILE[:2]
    return {
        "similarity_matrix": figures.similarity_matrix(HOSTILE, np.eye(4), title=HOSTILE[2], name=HOSTILE[0]),
        "histogram": figures.histogram({HOSTILE[0]: rng.normal(size=50)}, references={HOSTILE[2]: 0.5}, x=HOSTILE[3]),
        "map": figures.map_figure(rng.normal(size=(4, 2)), HOSTILE, pd.Series(HOSTILE, name=HOSTILE[0])),
        "numeric map": figures.map_figure(rng.normal(size=(4, 2)), HOSTILE, pd.Series([1, 2, None, 4.0], name="$n$")),
        "bars": figures.bars(pd.DataFrame({"name": names, "value": [0.2, 0.4], "low": [0.1, 0.3], "high": [0.3, 0.5]})),
        "tradeoff": figures.tradeoff(
            pd.DataFrame({"series": names, "latency": [0.1, 2.0], "recall": [0.5, 0.9], "label": HOSTILE[2:]})
        ),
    }


@pytest.mark.parametrize("name", everything())
def test_texts_are_shown_as_text(name: str) -> None:
    drawn = written(everything()[name])
    assert not re.findall(r"<(?:script|a |b>bold)", drawn)
    assert "$" not in re.sub(r"%\{\$?", "", drawn)


def test_label_wraps_and_cuts() -> None:
    assert figures.label("one two three four", 9) == "one two<br>three<br>four"
    assert figures.label("one two three four", 9, 2) == "one two<br>three …"
    assert figures.label("a & b < c") == "a &amp; b &lt; c"
    assert figures.label("$5 or 5 %{y}") == "&#36;5 or 5 &#37;{y}"  # neither TeX nor the place of a value


def test_the_matrix_shows_every_value_and_refuses_another_shape() -> None:
    values = np.array([[1.0, -0.004], [-0.25, 1.0]])
    figure = figures.similarity_matrix(["a", "b"], values)
    assert [note.text for note in figure.layout.annotations] == ["1.00", "0.00", "−0.25", "1.00"]
    assert figure.data[0].zmin == -0.25
    with pytest.raises(InputError, match=r"\(2, 2\) for 3 texts"):
        figures.similarity_matrix(["a", "b", "c"], values)


def test_histograms_share_their_bins_and_hold_every_value() -> None:
    figure = figures.histogram({"a": [0.0, 0.5], "b": [1.0]}, references={"mean": 1.5}, bins=10)
    assert {(trace.xbins.start, trace.xbins.size) for trace in figure.data} == {(0.0, 0.15)}
    assert all(trace.xbins.end > 1.5 for trace in figure.data)
    assert figure.layout.shapes[0].x0 == 1.5
    with pytest.raises(InputError, match="no series"):
        figures.histogram({})


def test_every_point_of_a_map_is_in_exactly_one_trace() -> None:
    points = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    color = pd.Series([f"c{i % 13}" for i in range(39)] + [None])
    figure = figures.map_figure(points, [f"t{i}" for i in range(40)], color)
    drawn = np.concatenate([np.stack([trace.x, trace.y], 1) for trace in figure.data])
    assert sorted(map(tuple, drawn.tolist())) == sorted(map(tuple, points.tolist()))
    assert all(trace.type == "scattergl" for trace in figure.data)
    assert figure.layout.yaxis.scaleanchor == "x"
    with pytest.raises(InputError, match="coordinates of shape"):
        figures.map_figure(np.zeros((3, 3)))


def test_a_figure_is_never_shared_to_a_cloud() -> None:
    for figure in everything().values():
        assert "sendChartToCloud" in figure.layout.template.layout.modebar.remove  # type: ignore[attr-defined]


@pytest.mark.parametrize("drop", ["latency", "recall"])
def test_a_table_without_its_column_is_refused(drop: str) -> None:
    table = pd.DataFrame({"latency": [1.0], "recall": [1.0]}).drop(columns=drop)
    with pytest.raises(InputError, match=f"no column '{drop}'"):
        figures.tradeoff(table)
    with pytest.raises(InputError, match="no rows"):
        figures.tradeoff(pd.DataFrame({"latency": [], "recall": []}))


def test_distances_are_drawn_against_the_original_with_names_as_text() -> None:
    table = pd.DataFrame({"a": ["<b>x</b>", "y"], "b": ["$z$", "w"], "original": [1.0, 2.0], "map": [3.0, 5.0]})
    figure = figures.distances_kept(table, what="two groups' centres")
    line, points = figure.data
    assert points.x.tolist() == [1.0, 2.0]
    assert points.y.tolist() == [3.0, 5.0]
    assert points.text[0] == "&lt;b&gt;x&lt;/b&gt; – &#36;z&#36;"
    assert line.y[1] / line.x[1] == pytest.approx((1 * 3 + 2 * 5) / (1 + 4))
    assert figure.layout.xaxis.title.text == "original distance of two groups' centres"
    with pytest.raises(InputError, match="no column 'map'"):
        figures.distances_kept(table.drop(columns="map"))
