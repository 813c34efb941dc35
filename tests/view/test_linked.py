"""Linked maps: one selection for all, without echoes, and the last one wins."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench import callbacks
from workbench.errors import InputError, VectorError
from workbench.records import Corpus
from workbench.view import LinkedMaps

N = 30
RNG = np.random.default_rng(0)
FIRST, SECOND, THIRD = (RNG.normal(size=(N, 2)) for _ in range(3))
CORPUS = Corpus(
    tuple(f"p{i}" for i in range(N)),
    tuple(f"text {i}" for i in range(N)),
    pd.DataFrame({"kind": [str(i % 3) for i in range(N)]}),
)


@pytest.fixture(autouse=True)
def no_leftovers() -> Any:
    yield
    callbacks.check()


def linked(**options: Any) -> LinkedMaps:
    return LinkedMaps({"PCA": FIRST, "UMAP": SECOND, "t-SNE": THIRD}, CORPUS, **options)


def chosen_in_browser(maps: LinkedMaps, title: str, rows: list[int]) -> None:
    """As the browser does: the trait of one map changes."""
    maps.maps[title].scatter.widget.selection = np.array(rows, dtype=np.uint32)


def test_a_lasso_on_one_map_selects_and_lights_the_same_rows_on_all() -> None:
    maps = linked()
    chosen_in_browser(maps, "UMAP", [7, 3])
    assert maps.selection == ("p3", "p7")
    assert maps.selected.frame["text"].tolist() == ["text 3", "text 7"]
    for view in maps.maps.values():
        assert view.selection.tolist() == [3, 7]
        assert view.marks["kept"].tolist() == [3, 7]
    chosen_in_browser(maps, "PCA", [])
    assert maps.selection == ()
    assert [view.marks for view in maps.maps.values()] == [{}, {}, {}]


def test_each_selection_is_passed_on_once_and_a_burst_ends_at_the_last() -> None:
    maps = linked()
    heard: list[tuple[str, list[int]]] = []
    for title, view in maps.maps.items():
        view.on_select(lambda rows, title=title: heard.append((title, rows.tolist())))
    versions = [view.version for view in maps.maps.values()]
    titles = list(maps.maps)
    for turn in range(60):
        chosen_in_browser(maps, titles[turn % 3], [turn % N, (turn + 1) % N])
    assert len(heard) == 3 * 60, "each map hears of each selection once"
    assert [view.version for view in maps.maps.values()] == [before + 60 for before in versions]
    assert {tuple(view.selection.tolist()) for view in maps.maps.values()} == {(0, 29)}
    assert maps.selection == ("p0", "p29")
    assert len({view.codes.tobytes() for view in maps.maps.values()}) == 1


def test_marks_colors_and_labels_go_to_all_and_a_selection_stays_lit_besides() -> None:
    maps = linked(color="kind")
    maps.label({"all": range(N)})
    maps.select(["p5"])
    maps.mark(hit=[1], kept=[2])
    for view in maps.maps.values():
        assert {role: rows.tolist() for role, rows in view.marks.items()} == {"kept": [2, 5], "hit": [1]}
        assert view._painter.legend["title"] == "kind"
        assert [label.text for label in view.labels] == ["all"]
    maps.select([])
    assert {role: rows.tolist() for role, rows in maps.maps["PCA"].marks.items()} == {"kept": [2], "hit": [1]}
    maps.color_by(np.arange(N).tolist(), "n")
    assert {view._painter.legend["title"] for view in maps.maps.values()} == {"n"}


def test_hovers_are_shared_within_one_set_of_maps_only() -> None:
    groups = [{view._painter.group for view in linked().maps.values()} for _ in range(2)]
    assert [len(group) for group in groups] == [1, 1]
    assert groups[0] != groups[1] != {""}


def test_titles_and_notes_are_text() -> None:
    hostile = "<img src=x onerror=alert(1)>"
    maps = LinkedMaps({hostile: FIRST, "b": SECOND}, CORPUS, notes={hostile: "$x$ <b>0.9</b>"})
    html = "".join(column.children[0].value for column in maps.children[0].children)
    assert "<img" not in html and "<b>" not in html and "$x" not in html
    assert "&lt;img" in html and "&lt;b&gt;0.9" in html


def test_texts_alone_are_numbered() -> None:
    maps = LinkedMaps({"a": FIRST, "b": SECOND}, list(CORPUS.texts))
    chosen_in_browser(maps, "b", [4])
    assert maps.selection == ("4",)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="1 map to link"):
        LinkedMaps({"a": FIRST}, CORPUS)
    with pytest.raises(InputError, match="the map 'b' has 29 points for 30 passages"):
        LinkedMaps({"a": FIRST, "b": SECOND[1:]}, CORPUS)
    with pytest.raises(InputError, match="a note for 'c', which is no map"):
        linked(notes={"c": "x"})
    with pytest.raises(InputError, match="no column 'none'"):
        linked(color="none")
    with pytest.raises(VectorError, match="row 2"):
        LinkedMaps({"a": FIRST, "b": np.where(np.arange(N)[:, None] == 2, np.nan, SECOND)}, CORPUS)
    maps = linked()
    with pytest.raises(InputError, match="no role 'hits'"):
        maps.mark(hits=[1])
    with pytest.raises(InputError, match="no id 'zz'"):
        maps.select(["zz"])
    assert all(view.marks == {} for view in maps.maps.values())
