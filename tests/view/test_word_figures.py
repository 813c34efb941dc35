"""Figures of word vectors: each draws exactly its table, and no word becomes markup."""

import json
from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest

from workbench.embed.words import StaticVectors
from workbench.errors import InputError
from workbench.geometry import directions
from workbench.view import figures

HOSTILE = "<img src=x onerror=y> $x$ <b>"


def vectors(*names):
    names = names or tuple(f"w{i}" for i in range(12))
    return StaticVectors(names, np.random.default_rng(1).normal(size=(len(names), 9)).astype(np.float32))


def trace(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def is_text(figure):
    written = json.dumps(json.loads(figure.to_json()))
    return "<img" not in written and "$" not in written and "&lt;img" in written


def test_a_plane_has_one_scale_and_says_what_stands_off_it():
    plane = directions.parallelogram(vectors(), "w0", "w1", "w2", "w3", ["w4", "w5"])
    figure = figures.analogy_plane(plane.points, width=600, height=500)
    points = plane.points.set_index("word")
    assert list(trace(figure, "the question's words").x) == pytest.approx(list(points.loc[["w0", "w1", "w2"], "x"]))
    assert list(trace(figure, "other answers, at their feet").y) == pytest.approx(list(points.loc[["w4", "w5"], "y"]))
    answer = trace(figure, "the answer, at its foot")
    assert f"{points.loc['w3', 'off']:.2f} off the plane" in answer.text[0]
    assert f"{points.loc['w3', 'to_sum']:.2f} from the sum" in answer.hovertext[0]
    assert figure.layout.yaxis.scaleanchor == "x" and figure.layout.yaxis.scaleratio == 1
    spans = [np.ptp(figure.layout[axis].range) for axis in ("xaxis", "yaxis")]
    assert spans[0] / (600 - 90) == pytest.approx(spans[1] / (500 - 148))
    for axis in "xy":
        low, high = figure.layout[f"{axis}axis"].range
        assert points[axis].between(low, high).all()
    arrows = [mark for mark in figure.layout.annotations if mark.showarrow]
    assert len(arrows) == 3


def test_an_answer_that_is_a_question_word_is_named_once():
    for answer in ("w0", "w1", "w2"):
        figure = figures.analogy_plane(directions.parallelogram(vectors(), "w0", "w1", "w2", answer).points)
        said = [text for drawn in figure.data if drawn.mode == "markers+text" for text in drawn.text if text.strip()]
        assert len(said) == 4
        assert sum(answer in text for text in said) == 1
        assert len(figure.data) == 9


def label_boxes(figure):
    """Left, right, bottom, top in pixels of every label, at seven pixels a letter and sixteen a line."""
    inner = 700 - 90, 480 - 148
    x, y = figure.layout.xaxis.range, figure.layout.yaxis.range
    scale = inner[0] / (x[1] - x[0]), inner[1] / (y[1] - y[0])
    found = []
    for trace in figure.data:
        if trace.mode != "markers+text":
            continue
        for at_x, at_y, text, side in zip(trace.x, trace.y, trace.text, trace.textposition, strict=True):
            if not text.strip():
                continue
            lines = [line.replace("<b>", "").replace("</b>", "") for line in text.split("<br>")]
            plain = [line.split(">")[1].split("<")[0] if "<span" in line else line for line in lines]
            wide, tall = 7 * max(map(len, plain)), 16 * len(plain)
            px, py = at_x * scale[0], at_y * scale[1]
            up, across = side.split()
            left = px + {"left": -9 - wide, "center": -wide / 2, "right": 9}[across]
            low = py + {"bottom": -9 - tall, "middle": -tall / 2, "top": 9}[up]
            found.append((left, left + wide, low, low + tall))
    return found


def test_labels_do_not_cover_each_other():
    """By the boxes that plotly's own rules give, no two labels of a plane share a pixel."""
    some, crossed = vectors(), []
    for a, star, b, answer in list(permutations(some.words[:5], 4))[::4]:
        boxes = label_boxes(figures.analogy_plane(directions.parallelogram(some, a, star, b, answer).points))
        assert len(boxes) == 5
        crossed += [
            (a, star, b, answer)
            for one, two in combinations(boxes, 2)
            if min(one[1], two[1]) > max(one[0], two[0]) and min(one[3], two[3]) > max(one[2], two[2])
        ]
    assert crossed == []


def accuracy(sections=("family", "currency", "total")):
    rows = [
        {"method": "3cosadd", "exclude": exclude, "section": section, "covered": 10 * at, "total": 40,
         "accuracy": 0.2 * at if at else np.nan, "low": 0.1 * at if at else np.nan, "high": 0.3 * at if at else np.nan}
        for exclude in (True, False) for at, section in enumerate(sections, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_accuracy_bars_stand_by_section_with_their_intervals():
    figure = figures.analogy_accuracy(accuracy())
    one, _, two, _ = figure.data
    assert [one.name, two.name] == ["the question's own words left out", "own words allowed"]
    assert list(one.x) == pytest.approx([20, 40, 60])
    assert list(one.error_x.array) == pytest.approx([10, 20, 30])
    assert list(one.error_x.arrayminus) == pytest.approx([10, 20, 30])
    assert list(np.round(one.y)) == [0, 1, 2] == list(np.round(two.y))
    assert (np.array(one.y) < np.array(two.y)).all()
    assert figure.layout.yaxis.ticktext[0].startswith("family") and "(10 of 40)" in figure.layout.yaxis.ticktext[0]
    assert "<b>total</b>" in figure.layout.yaxis.ticktext[2]
    several = figures.analogy_accuracy(pd.concat([accuracy(), accuracy().assign(method="only-b")]))
    assert several.data[0].name == "3cosadd, the question's own words left out"
    one_way = figures.analogy_accuracy(pd.concat([accuracy(), accuracy().assign(method="only-b")]).query("exclude"))
    assert [one_way.data[at].name for at in (0, 2)] == ["3cosadd", "only-b"]


def test_a_section_of_which_nothing_is_covered_has_a_name_and_no_number():
    table = accuracy()
    table.loc[table["section"] == "currency", ["accuracy", "low", "high"]] = np.nan
    figure = figures.analogy_accuracy(table)
    assert figure.data[1].text[1] == "" and figure.data[1].text[0].strip() == "20"
    assert np.isfinite(np.asarray(figure.data[1].x, dtype=float)).all()


def test_words_along_an_axis_stand_at_their_projections():
    axis = directions.axis(vectors(), ["w0"], ["w1"])
    table = axis.project([f"w{i}" for i in range(8)])
    figure = figures.along_axis(table, axis.usual, ends=("down", "up"))
    asked, own = trace(figure, "words asked about"), trace(figure, "words of the axis")
    assert list(own.x) == pytest.approx(list(table.loc[table["defines"], "projection"]))
    at = dict(zip([*asked.text, *own.text], [*asked.y, *own.y], strict=True))
    assert [figure.layout.yaxis.ticktext[at[word]] for word in table["word"]] == list(table["word"])
    band = figure.layout.shapes[0]
    assert (band.x0, band.x1) == axis.usual
    assert "down" in figure.layout.xaxis.title.text and "up" in figure.layout.xaxis.title.text


def test_two_panels_of_human_scores_share_one_scale():
    columns = ["first", "second", "human", "cosine"]
    one = pd.DataFrame([("x", "y", 2.0, 0.1), ("old", "new", 9.0, 0.3)], columns=columns)
    other = pd.DataFrame([("p", HOSTILE, 1.0, 0.7)], columns=columns)
    figure = figures.human_scores({"A, rank correlation 0.5": one, "B": other}, named=[("old", "new")])
    assert [list(drawn.y) for drawn in figure.data] == [[0.1, 0.3], [0.7]]
    assert [drawn.xaxis for drawn in figure.data] == ["x", "x2"]
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range
    said = [mark.text for mark in figure.layout.annotations]
    assert "old – new" in said
    assert "A, rank correlation 0.5 (2 pairs)" in said and "B (1 pair)" in said
    assert is_text(figure)


def test_parallelism_draws_the_null_beside_the_measured():
    columns = ["name", "value", "low", "high", "null_low", "null_high"]
    table = pd.DataFrame([("a", 0.3, 0.2, 0.45, 0.05, 0.1), ("b", 0.1, 0.0, 0.2, 0.08, 0.12)], columns=columns)
    figure = figures.parallelism(table)
    null, measured = figure.data
    assert list(null.x) == [0.05, 0.1, None, 0.08, 0.12, None]
    assert list(measured.x) == [0.3, 0.1]
    assert list(measured.error_x.array) == pytest.approx([0.15, 0.1])
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # the first stands on top


def test_words_are_text():
    named = vectors(HOSTILE, *(f"w{i}" for i in range(8)))
    plane = directions.parallelogram(named, "w0", "w1", "w2", HOSTILE)
    assert is_text(figures.analogy_plane(plane.points, title=HOSTILE))
    axis = directions.axis(named, ["w0"], ["w1"])
    assert is_text(figures.along_axis(axis.project(["w2", HOSTILE]), axis.usual, title=HOSTILE, ends=("a", HOSTILE)))
    assert is_text(figures.analogy_accuracy(accuracy((HOSTILE, "total"))))
    columns = ["name", "value", "low", "high", "null_low", "null_high"]
    assert is_text(figures.parallelism(pd.DataFrame([(HOSTILE, 1, 1, 1, 0, 0)], columns=columns)))


@pytest.mark.parametrize("draw", ["analogy_plane", "analogy_accuracy", "held_out_loss", "parallelism"])
def test_a_table_of_another_kind_is_refused(draw):
    with pytest.raises(InputError, match="no column"):
        getattr(figures, draw)(pd.DataFrame({"z": [1]}))


def test_a_plane_that_lacks_one_of_its_points_is_refused():
    points = directions.parallelogram(vectors(), "w0", "w1", "w2", "w3").points
    with pytest.raises(InputError, match=r"no row for 'b'\. Pass the points"):
        figures.analogy_plane(points[points["role"] != "b"])


def test_the_loss_of_each_training_is_a_line_over_its_epochs():
    columns = ["series", "epoch", "loss", "seconds"]
    rows = [("skip-gram", 0, 4.2, 0.0), ("skip-gram", 1, 2.9, 1.5), (HOSTILE, 0, 4.2, 0.0), (HOSTILE, 1, 3.1, 0.4)]
    figure = figures.held_out_loss(pd.DataFrame(rows, columns=columns))
    first, second = figure.data
    assert list(first.x) == [0, 1] and list(first.y) == [4.2, 2.9] and list(second.y) == [4.2, 3.1]
    assert first.line.color != second.line.color
    assert is_text(figure)


def test_people_without_pairs_are_refused():
    with pytest.raises(InputError, match="no column 'first'"):
        figures.human_scores({"A": pd.DataFrame({"z": [1]})})
    with pytest.raises(InputError, match="there is no series"):
        figures.human_scores({})
