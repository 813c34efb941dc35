"""The explorer without a browser: true neighbours, selection, errors that are kept, texts that stay text."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.tiny_encoder import TinyEncoder
from workbench import callbacks, geometry
from workbench.embed import SentenceEncoder
from workbench.errors import IdentityError, InputError, ModelError, WorkbenchError
from workbench.records import Corpus, Metric, ModelIdentity, Vectors
from workbench.view.explorer import Explorer, explorer

WORDS = ["star", "moon", "bread", "salt", "rope", "tide", "paper", "ink", "horse", "saddle"]


@pytest.fixture(autouse=True)
def no_leftovers() -> Any:
    yield
    callbacks.check()


@pytest.fixture
def encoder() -> TinyEncoder:
    return TinyEncoder()


def corpus(n: int = 30) -> Corpus:
    rng = np.random.default_rng(7)
    texts = tuple(f"number {i} " + " ".join(rng.choice(WORDS, 4)) for i in range(n))
    metadata = pd.DataFrame({"title": [f"T{i}" for i in range(n)], "kind": [f"k{i % 3}" for i in range(n)]})
    return Corpus(tuple(f"p{i}" for i in range(n)), texts, metadata, "small")


def build(encoder: TinyEncoder, metric: Metric = "cosine", n: int = 30, **options: Any) -> Explorer:
    passages = corpus(n)
    vectors = Vectors(passages.ids, encoder.encode(passages.texts), encoder.identity, metric)
    flat = np.random.default_rng(1).normal(size=(n, 2))
    return explorer(passages, vectors, encoder, **{"coordinates": flat, "k": 5, **options})


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_a_search_answers_from_the_original_space(encoder: TinyEncoder, metric: Metric) -> None:
    widget = build(encoder, metric)
    hits = widget.search("bread and salt")
    array, query = widget.vectors.array.astype(np.float64), encoder.encode(["bread and salt"])[0].astype(np.float64)
    distance = np.linalg.norm(array - query, axis=1)
    expected = np.argsort(distance if metric == "euclidean" else -array @ query, kind="stable")[:5]
    assert [hit.row for hit in hits] == expected.tolist()
    score = distance[expected] if metric == "euclidean" else (array @ query)[expected]
    assert [hit.score for hit in hits] == pytest.approx(score, abs=1e-5)
    assert widget.map.marks["hit"].tolist() == expected.tolist()
    assert [item["id"] for item in widget._list.content["items"]] == [hit.id for hit in hits]
    assert "5 nearest of 30 passages" in widget.status


def test_a_click_lists_true_neighbours_without_the_point(encoder: TinyEncoder) -> None:
    widget = build(encoder)
    widget.map.scatter.widget.selection = np.array([4], dtype=np.uint32)
    array = widget.vectors.array
    order = [row for row in np.argsort(-array @ array[4], kind="stable") if row != 4][:5]
    assert [hit.row for hit in widget.hits] == order
    assert widget.selection == ("p4",)
    items = widget._list.content["items"]
    assert [item["chosen"] for item in items[:6]] == [True] + [False] * 5
    assert [item["id"] for item in items[1:6]] == [f"p{row}" for row in order]
    assert widget.map.marks["query"].tolist() == [4]


def test_a_click_tells_true_false_and_missing_neighbours_apart(encoder: TinyEncoder) -> None:
    widget = build(encoder)
    widget.open("p4")
    flat = widget._coordinates
    away = np.linalg.norm(flat - flat[4], axis=1)
    near = set(np.argsort(away)[1:6].tolist())  # the first is the point itself
    true, marks = (
        {hit.row for hit in widget.hits},
        {role: set(rows.tolist()) for role, rows in widget.map.marks.items()},
    )
    assert marks.get("true", set()) == true & near
    assert marks["missing"] == true - near
    assert marks["false"] == near - true
    assert f"{len(true & near)} are near on the map and {len(true - near)} are far away" in widget.status
    assert f"{len(near - true)} points are drawn near and are not" in widget.status
    notes = {item["row"]: item["about"].split(" · ")[0] for item in widget._list.content["items"][1:]}
    assert {row for row, note in notes.items() if note == "far away on the map"} == true - near
    assert {row for row, note in notes.items() if note == "near on the map only"} == near - true


def test_the_points_take_the_color_of_the_maps_distortion(encoder: TinyEncoder) -> None:
    widget = build(encoder)
    labels = [text for text, _ in widget._color.options]
    assert labels[-3:] == ["map: false neighbours", "map: missing neighbours", "map: neighbour overlap"]
    widget._color.value = dict(widget._color.options)["map: missing neighbours"]
    measured = geometry.faithfulness(widget.vectors, widget._coordinates, 14)
    assert widget.map._painter.legend["title"] == "continuity@14"
    shades = widget.map.codes.astype(int)
    assert np.corrcoef(shades, measured.points["continuity"])[0, 1] > 0.99
    assert f"continuity@14 {measured.continuity.mean:.2f}" in widget.status
    widget.color_by_distortion("overlap")
    assert widget.map._painter.legend["title"] == "overlap@14"
    widget.color_by("kind")
    assert widget._color.value == "kind"


def test_two_points_have_no_faithfulness(encoder: TinyEncoder) -> None:
    widget = build(encoder, n=2, coordinates=np.eye(2))
    with pytest.raises(InputError, match="a map of 2 points has no neighbourhoods"):
        widget.color_by_distortion()


def test_an_entry_of_the_list_does_what_a_click_does(encoder: TinyEncoder) -> None:
    clicked, pressed = build(encoder), build(encoder)
    clicked.map.scatter.widget.selection = np.array([7], dtype=np.uint32)
    pressed.search("moon")
    pressed._list._handle_custom_msg({"open": 7}, [])
    assert pressed.hits == clicked.hits
    assert pressed.selection == clicked.selection == ("p7",)
    assert pressed._list.content == clicked._list.content
    assert pressed.map.codes.tolist() == clicked.map.codes.tolist()


def test_a_lasso_is_read_back_in_corpus_order(encoder: TinyEncoder) -> None:
    widget = build(encoder)
    widget.map.scatter.widget.selection = np.array([9, 2, 5], dtype=np.uint32)
    assert widget.selection == ("p2", "p5", "p9")
    assert widget.selected.frame["title"].tolist() == ["T2", "T5", "T9"]
    assert list(widget.selected.frame) == ["id", "text", "title", "kind"]
    assert widget.map.marks["kept"].tolist() == [2, 5, 9]
    widget.select(["p3", "p1"])
    assert widget.selection == ("p1", "p3")
    widget.clear()
    assert widget.selection == ()
    assert widget.map.marks == {}


def test_back_returns_to_the_step_before(encoder: TinyEncoder) -> None:
    widget = build(encoder)
    found = widget.search("horse saddle")
    assert widget._back.disabled
    widget.open(found[2].id)
    assert not widget._back.disabled
    widget._back.click()
    assert widget.hits == found
    assert widget._back.disabled
    assert widget.selection == ()


def test_lines_go_from_the_chosen_point_to_its_neighbours(encoder: TinyEncoder) -> None:
    widget = build(encoder)
    widget._lines.value = True
    widget.search("ink")
    assert widget.map._painter.lines == []
    widget.open("p3")
    assert len(widget.map._painter.lines) == 5
    widget._lines.value = False
    assert widget.map._painter.lines == []


def test_the_color_column_can_be_chosen_by_hand_and_by_name(encoder: TinyEncoder) -> None:
    widget = build(encoder, color="kind")
    assert widget._color.value == "kind"
    assert [entry[0] for entry in widget.map._painter.legend["entries"]] == ["k0", "k1", "k2"]
    widget._color.value = None
    assert widget.map._painter.legend["title"] == ""
    with pytest.raises(InputError, match=r"no column 'nothing'.*title, kind"):
        widget.color_by("nothing")


def test_another_models_encoder_is_refused_at_once(encoder: TinyEncoder) -> None:
    passages = corpus()
    vectors = Vectors(passages.ids, encoder.encode(passages.texts), encoder.identity)
    with pytest.raises(IdentityError, match="other-words"):
        explorer(passages, vectors, TinyEncoder(name="other-words"), coordinates=np.zeros((30, 2)))


def test_what_does_not_line_up_is_refused(encoder: TinyEncoder) -> None:
    passages = corpus()
    vectors = Vectors(passages.ids[::-1], encoder.encode(passages.texts), encoder.identity)
    with pytest.raises(InputError, match="another order"):
        explorer(passages, vectors, encoder)
    with pytest.raises(InputError, match="k=0"):
        build(encoder, k=0)
    with pytest.raises(InputError, match="empty"):
        build(encoder).search("  ")


def test_an_error_while_searching_is_shown_kept_and_raised_by_the_check(encoder: TinyEncoder) -> None:
    widget = build(encoder)

    def fall_over(texts: Any, *, role: str) -> Any:
        raise ValueError("<b>out</b> of $memory$")

    encoder.encode = fall_over  # type: ignore[method-assign]
    widget._query.value = "moon"
    assert widget.status == "Could not search: ValueError: <b>out</b> of $memory$"
    assert "<b>" not in widget._status.value
    assert [error.where for error in widget.errors] == ["search"]
    with pytest.raises(WorkbenchError, match="search: ValueError"):
        callbacks.check()


def test_vectors_without_a_model_say_that_an_encoder_is_needed(encoder: TinyEncoder) -> None:
    passages = corpus()
    vectors = Vectors(passages.ids, encoder.encode(passages.texts))
    widget = explorer(passages, vectors, coordinates=np.random.default_rng(0).normal(size=(30, 2)))
    with pytest.raises(ModelError, match="do not say which model"):
        widget.search("moon")
    assert len(widget.open("p0")) == 10


def test_a_selection_is_shown_as_text(encoder: TinyEncoder) -> None:
    passages = Corpus(("a", "b"), ("<img src=x> costs $5$", r"\(x\)"))
    vectors = Vectors(passages.ids, encoder.encode(passages.texts), encoder.identity)
    widget = explorer(passages, vectors, encoder, coordinates=np.eye(2))
    widget.select(["a", "b"])
    shown = widget.selected._repr_html_()
    assert widget.selected.frame["text"].tolist() == list(passages.texts)
    assert "&lt;img src=x&gt;" in shown
    assert "$5$" not in shown
    assert r"\(" not in shown


def test_without_an_encoder_the_model_is_loaded_with_the_settings_of_the_vectors() -> None:
    passages = corpus()
    made = SentenceEncoder(
        query_prompt="query: ", document_prompt="passage: ", truncate_dim=32, normalize=False, backend="torch"
    )
    vectors = Vectors(passages.ids, made.encode(passages.texts), made.identity, "dot")
    flat = np.random.default_rng(0).normal(size=(30, 2))
    widget = explorer(passages, vectors, coordinates=flat, k=5)
    assert widget.search("moon and tide") == explorer(passages, vectors, made, coordinates=flat, k=5).search(
        "moon and tide"
    )
    assert widget._encoder is not None
    assert widget._encoder.identity == made.identity


@pytest.mark.parametrize(
    ("name", "error"), [("my-own-folder", ModelError), ("all-MiniLM-L6-v2", IdentityError)], ids=["gone", "another"]
)
def test_a_model_that_its_name_does_not_lead_to_is_to_be_passed(name: str, error: type[ModelError]) -> None:
    passages = corpus(3)
    identity = ModelIdentity(name, "another revision", 64)
    array = np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32)
    widget = explorer(passages, Vectors(passages.ids, array, identity), coordinates=np.eye(3)[:, :2])
    with pytest.raises(error, match=f"'{name}'.*Pass the encoder") as raised:
        widget.search("moon")
    assert type(raised.value) is error


@pytest.mark.parametrize(("metric", "of_map"), [("cosine", "cosine"), ("dot", "cosine"), ("euclidean", "euclidean")])
def test_the_map_is_laid_out_under_the_metric_of_the_vectors(
    encoder: TinyEncoder, monkeypatch: pytest.MonkeyPatch, metric: Metric, of_map: Metric
) -> None:
    asked: list[Metric] = []

    def project(vectors: Vectors, *, metric: Metric) -> Any:
        asked.append(metric)
        return np.random.default_rng(0).normal(size=(len(vectors), 2))

    monkeypatch.setattr(geometry, "project", project)
    build(encoder, metric, coordinates=None)
    assert asked == [of_map]


def test_one_passage_and_no_metadata(encoder: TinyEncoder) -> None:
    passages = Corpus(("only",), ("one star",))
    vectors = Vectors(passages.ids, encoder.encode(passages.texts), encoder.identity)
    widget = explorer(passages, vectors, encoder, coordinates=[[0.0, 0.0]])
    assert widget.open("only") == ()
    assert [hit.id for hit in widget.search("star")] == ["only"]
    assert widget._list.content["items"][0]["title"] == "only"


def test_without_coordinates_the_vectors_are_projected(encoder: TinyEncoder) -> None:
    assert np.isfinite(build(encoder, n=60, coordinates=None).map._points).all()


def test_missing_metadata_and_odd_titles_are_shown(encoder: TinyEncoder) -> None:
    table = pd.DataFrame({"title": ["A", None, "  "], "year": [1999.0, np.nan, 2001.0], "tag": [None, "x", "y" * 99]})
    passages = Corpus(("a", "b", "c"), ("star", "moon", "\x07ink"), table)
    vectors = Vectors(passages.ids, encoder.encode(passages.texts), encoder.identity)
    widget = explorer(passages, vectors, encoder, coordinates=np.eye(3)[:, :2])
    entries = [widget._passages.entry(row) for row in range(3)]
    assert [entry["title"] for entry in entries] == ["A", "b", "c"]
    assert entries[0]["about"] == "year 1999.0"
    assert entries[1]["about"] == "tag x"
    assert entries[2]["text"] == "ink"
    assert len(entries[2]["about"]) < 80
