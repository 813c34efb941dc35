"""MapView: what Python asks for is what goes to the browser, once, whole and checked."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench import callbacks
from workbench.errors import InputError, VectorError
from workbench.view.scatter import ROLES, MapView

SQUARE = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 1.0], [0.0, 1.0]])


@pytest.fixture(autouse=True)
def no_leftovers() -> Any:
    yield
    callbacks.check()


def xy(view: MapView) -> np.ndarray:
    return np.frombuffer(view._painter.xy, np.float32).reshape(-1, 2)


def test_one_unit_is_as_long_on_x_as_on_y() -> None:
    points = xy(MapView(SQUARE))
    width, height = np.ptp(points, axis=0)
    assert width == pytest.approx(10 * height)
    assert np.abs(points).max() == pytest.approx(0.96)
    plot = MapView(SQUARE).scatter.widget
    assert plot.x_scale_domain == plot.y_scale_domain == [-1, 1]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_by_row(bad: float) -> None:
    points = SQUARE.copy()
    points[2, 1] = bad
    with pytest.raises(VectorError, match="row 2 of the coordinates"):
        MapView(points)
    view = MapView(SQUARE)
    with pytest.raises(VectorError, match="row 2"):
        view.move(points)


@pytest.mark.parametrize("shape", [(0, 2), (3, 3), (4,)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(VectorError, match=r"\(n, 2\)"):
        MapView(np.zeros(shape))


def test_a_single_point_and_identical_points_are_drawn() -> None:
    assert xy(MapView([[3.0, 4.0]])).tolist() == [[0.0, 0.0]]
    assert np.isfinite(xy(MapView(np.ones((5, 2))))).all()


def test_marks_dim_the_rest_and_later_roles_win() -> None:
    view = MapView(SQUARE)
    view.color_by(pd.Series(["a", "a", "b", "c"]))
    colors = 4
    assert view.codes.tolist() == [0, 0, 1, 2]
    view.mark(hit=[1, 2], query=2)
    hit, query = 2 * colors + ROLES.index("hit"), 2 * colors + ROLES.index("query")
    assert view.codes.tolist() == [colors, hit, query, colors + 2]
    look = view._painter.look
    assert len(look["color"]) == len(look["opacity"]) == len(look["size"]) == 2 * colors + len(ROLES)
    assert look["opacity"][hit] == 1.0 > look["opacity"][0] > look["opacity"][colors]
    view.mark()
    assert view.codes.tolist() == [0, 0, 1, 2]


def test_changes_made_together_are_one_drawing() -> None:
    view = MapView(SQUARE)
    before = view.version
    with view.together():
        view.mark(hit=1)
        view.connect([(0, 1)])
        view.move(SQUARE[::-1])
        assert view.version == before
    assert view.version == before + 1
    assert view.codes.tolist() == [1, 2 + ROLES.index("hit"), 1, 1]
    assert view._painter.lines[0]["vertices"] == pytest.approx(np.array([[-0.96, 0.096], [0.96, 0.096]]))
    with view.together():
        pass
    assert view.version == before + 1, "nothing changed"
    with pytest.raises(InputError), view.together():
        view.mark(hit=9)
    view.mark()
    assert view.version == before + 2


def test_a_role_may_mean_something_else_and_be_hardly_larger_than_a_plain_point() -> None:
    view = MapView(SQUARE)
    view.mark(scanned=[0, 1], hit=2, names={"hit": "<b>missed</b>"})
    assert [entry[::2] for entry in view._painter.legend["marks"]] == [["<b>missed</b>", "1"], ["looked at", "2"]]
    scanned, hit = 2 + ROLES.index("scanned"), 2 + ROLES.index("hit")
    look = view._painter.look
    assert look["size"][scanned] == look["size"][0] + 1 < look["size"][hit] and look["opacity"][scanned] == 1
    view.mark(hit=2)
    assert view._painter.legend["marks"][0][0] == "found", "a name holds for one marking"
    with pytest.raises(InputError, match="no role 'hits'"):
        view.mark(hit=2, names={"hits": "missed"})


def test_recoloring_keeps_the_marks() -> None:
    view = MapView(SQUARE)
    view.mark(hit=[0])
    view.color_by(pd.Series([1.0, 2.0, 3.0, 4.0]), "n")
    assert view.codes[0] == 2 * 65 + ROLES.index("hit")
    assert view._painter.legend["range"] == ["1", "4"]
    view.color_by(None)
    assert view._painter.legend["title"] == ""
    assert list(view.marks) == ["hit"]


def test_a_burst_leaves_exactly_the_last_state_and_one_message_each(monkeypatch: pytest.MonkeyPatch) -> None:
    view = MapView(SQUARE)
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(type(view._painter), "_send", lambda self, message, buffers=None: sent.append(message))
    start = view.version
    rng = np.random.default_rng(0)
    for _ in range(200):
        view.mark(hit=rng.choice(4, 2, replace=False))
        view.move(rng.normal(size=(4, 2)))
    view.mark(query=3)
    assert view.version == start + 401
    assert [message["state"]["version"] for message in sent] == list(range(start + 1, start + 402))
    assert view.codes.tolist() == [1, 1, 1, 2 + ROLES.index("query")]


def test_lines_follow_moved_points() -> None:
    view = MapView(SQUARE)
    view.connect([(0, 1)])
    assert view._painter.lines[0]["vertices"] == pytest.approx(np.array([[-0.96, -0.096], [0.96, -0.096]]))
    view.move(SQUARE[::-1])
    assert view._painter.lines[0]["vertices"] == pytest.approx(np.array([[-0.96, 0.096], [0.96, 0.096]]))
    view.connect([])
    assert view._painter.lines == []


def test_unknown_roles_and_rows_are_refused() -> None:
    view = MapView(SQUARE)
    with pytest.raises(InputError, match="no role 'hits'"):
        view.mark(hits=[1])
    with pytest.raises(InputError, match="row 4 is not on a map of 4 points"):
        view.mark(hit=[4])
    with pytest.raises(InputError, match="row -1"):
        view.select(-1)
    with pytest.raises(VectorError, match="3 coordinates for a map of 4"):
        view.move(SQUARE[:3])
    with pytest.raises(InputError, match="2 texts for 4 points"):
        MapView(SQUARE, texts=["a", "b"])


def test_selection_reaches_listeners_ascending() -> None:
    view = MapView(SQUARE)
    heard: list[list[int]] = []
    view.on_select(lambda rows: heard.append(rows.tolist()))
    view.scatter.widget.selection = np.array([3, 1], dtype=np.uint32)
    view.select([])
    assert heard == [[1, 3], []]
    assert view.selection.tolist() == []


def test_an_error_of_a_listener_and_of_the_browser_is_kept() -> None:
    shown: list[str] = []
    view = MapView(SQUARE, on_error=lambda error: shown.append(str(error)))
    view.on_select(lambda rows: rows[99])
    view.select([1])
    view._painter._handle_custom_msg({"failure": "TypeError: no canvas"}, [])
    assert [line.split(":")[0] for line in shown] == ["selection", "map"]
    assert len(callbacks.errors()) == 2
    with pytest.raises(Exception, match="2 widget callbacks failed: selection: IndexError"):
        callbacks.check()


def test_the_dark_theme_changes_colors_not_points() -> None:
    view = MapView(SQUARE)
    light, codes = view._painter.look["color"], view.codes.tolist()
    view._painter._handle_custom_msg({"dark": True}, [])
    assert view._painter.look["color"] != light
    assert view.codes.tolist() == codes
    assert view.scatter.widget.background_color == "#111111"


def test_what_the_browser_painted_arrives_as_a_message_and_is_no_shared_state() -> None:
    view = MapView(SQUARE)
    view._painter._handle_custom_msg({"painted": view.version, "paint_ms": 12.5}, [])
    assert (view.painted, view.paint_ms) == (view.version, 12.5)
    assert not {"painted", "paint_ms", "dark", "failure"} & set(view._painter.get_state())


def test_tooltips_are_text_without_control_characters() -> None:
    view = MapView(SQUARE, texts=["<b>a</b>\x00", "", "$x$", "مرحبا"])
    assert view.scatter.widget.data["text"].tolist() == ["<b>a</b>", " ", "$x$", "مرحبا"]
    assert view.scatter.widget.tooltip_preview == "text"
    assert view.scatter.widget.tooltip_preview_text_lines == 14


def test_a_hundred_thousand_points_are_one_small_message() -> None:
    points = np.random.default_rng(0).normal(size=(100_000, 2))
    view = MapView(points)
    np.testing.assert_array_equal(view.points, points)
    dimmed, few = view._painter.look["opacity"][1], MapView(SQUARE)._painter.look["opacity"][1]
    assert 0.05 <= dimmed < few, "they lie on each other, and what is marked must stand out"
    view.color_by(pd.Series(np.arange(100_000) % 30).astype(str))
    view.mark(hit=np.arange(100))
    assert len(view._painter.codes) == 200_000
    assert np.bincount(view.codes)[-1] == 100
