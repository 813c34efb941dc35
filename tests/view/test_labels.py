"""Labels of a map: they stand where their rows are, the heaviest first, and no two overlap."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.view import MapView, figures
from workbench.view.labels import anchor, named_groups, roomy, text_size

SQUARE = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 1.0], [0.0, 1.0]])
HOSTILE = "<img src=x onerror=alert(1)> $x$"
numbers = st.floats(-200, 200, allow_nan=False)
box = st.tuples(numbers, numbers, st.floats(1, 120), st.floats(1, 40))


def overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """Of two boxes (x, y, width, height) around their centers."""
    return abs(a[0] - b[0]) < (a[2] + b[2]) / 2 and abs(a[1] - b[1]) < (a[3] + b[3]) / 2


@given(st.lists(box, min_size=1, max_size=40))
def test_no_two_drawn_boxes_overlap_and_none_is_left_out_without_cause(boxes: list[tuple[float, ...]]) -> None:
    array = np.array(boxes)
    drawn = roomy(array[:, :2], array[:, 2:])
    assert drawn[0]
    assert not any(overlap(a, b) for a, b in itertools.combinations(array[drawn], 2))
    for i in np.flatnonzero(~drawn):
        assert any(overlap(array[i], earlier) for earlier in array[:i][drawn[:i]])


def test_a_label_of_a_torn_group_stands_at_one_of_its_points() -> None:
    points = np.array([[-9.0, 0.0], [-10.0, 0.0], [9.0, 0.0], [10.0, 0.0], [0.0, 0.0]])
    (label,) = named_groups({"torn": [0, 1, 2, 3]}, 5)
    assert anchor(label, points) in (0, 2)
    (label,) = named_groups({"here": [2, 3, 3]}, 5)
    assert anchor(label, points) == 3


def test_heavier_labels_come_first_and_a_text_may_occur_twice() -> None:
    named = named_groups([("ships", [0]), ("bread", [1, 2]), ("ships", [3])], 4)
    assert [(label.text, label.rows.tolist(), label.weight) for label in named] == [
        ("bread", [1, 2], 2.0),
        ("ships", [0], 1.0),
        ("ships", [3], 1.0),
    ]
    assert [label.text for label in named_groups({"a": 0, "b": [1, 2]}, 3, weights=[5, 1])] == ["a", "b"]


def test_labels_that_do_not_fit_are_refused() -> None:
    view = MapView(SQUARE)
    with pytest.raises(InputError, match="row 4 is not on a map of 4 points"):
        view.label({"a": 4})
    with pytest.raises(InputError, match="the label 'a' has no rows"):
        view.label({"a": []})
    with pytest.raises(InputError, match="1 weights for 2 labels"):
        view.label({"a": 0, "b": 1}, weights=[1])
    with pytest.raises(InputError, match="'a' weighs nan"):
        view.label({"a": 0}, weights=[float("nan")])
    assert view.labels == ()


def test_labels_of_the_map_follow_moves_and_cost_one_message_each() -> None:
    view = MapView(SQUARE)
    view.label({"left": [0, 0, 3], HOSTILE: 2})
    assert view._painter.labels == [[0, "left", False], [2, HOSTILE, True]]
    before = view.version
    view.move(np.array([[9.0, 9.0], [1.0, 0.0], [0.0, 0.0], [9.0, 8.9]]))
    assert view.version == before + 1
    assert view._painter.labels[0][0] in (0, 3)
    view.label()
    assert (view.labels, view._painter.labels) == ((), [])


@pytest.mark.parametrize("seed", range(5))
def test_no_two_labels_of_a_figure_overlap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(400, 2)) * [3, 1]
    words = [
        "galaxies",
        "butter & flour",
        "מرحبا",
        "漢字漢字漢字",
        HOSTILE,
        "a long name of a cluster that wraps twice",
    ]
    labels = [(words[i % 6], rng.choice(400, 1 + i % 5)) for i in range(60)]
    figure = figures.map_figure(points, labels=labels)
    notes = figure.layout.annotations
    assert 5 < len(notes) < 60
    height, widest = figure.layout.height, 620
    pixels = min(widest / np.ptp(points[:, 0]), height / np.ptp(points[:, 1])) / 1.1
    boxes = [np.array([n.x * pixels, n.y * pixels + n.yshift, *text_size(n.text, n.font.size)]) for n in notes]
    assert not any(overlap(a, b) for a, b in itertools.combinations(boxes, 2))
    assert not [note.text for note in notes if "<img" in note.text or "$" in note.text]
