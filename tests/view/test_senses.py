"""The figures of senses, and the bench: what a person typed, what it shows of it, and what it says when it cannot."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from workbench import callbacks, corpora
from workbench.embed.contextual import ContextualEncoder
from workbench.errors import InputError
from workbench.geometry import cosine_similarity, principal_plane
from workbench.records import Corpus
from workbench.tasks import sense_accuracy
from workbench.view import SenseBench, figures, sense_bench

HOSTILE = "<img src=x onerror=alert(1)> & $\\alpha$"
OWN = "river | The bank is wet.\nriver | A bank of clay.\nmoney | My bank lends.\nmoney | Ask the bank."


class TinyLayers:
    """Two layers: the input knows the word alone, the last layer knows whether the sentence is long."""

    layers = 1

    def __init__(self) -> None:
        self.read: list[str] = []

    def word_vectors(self, sentences, words=None, *, spans=None, layers=None, progress=False):
        self.read += sentences
        noise = np.array([[len(text) % 7, len(text) % 5, 50] for text in sentences], dtype=np.float32)
        long = np.array([[0, 0, 30 * (len(text) > 40)] for text in sentences], dtype=np.float32)
        return np.stack([noise, noise + long], axis=1)


@pytest.fixture(scope="module")
def encoder() -> ContextualEncoder:
    return ContextualEncoder(device="cpu")


@pytest.fixture
def bench() -> SenseBench:
    callbacks._recorded.clear()
    return SenseBench(TinyLayers())


def occurrences(n: int = 4, **columns) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "number": range(1, n + 1), "sense": ["river"] * (n // 2) + ["money"] * (n - n // 2), "x": np.arange(n) / n,
            "y": np.arange(n) ** 2 / n, "before": "the ", "word": "bank", "after": " is here",
        }
    )  # fmt: skip
    return table.assign(**columns)


def test_points_stand_where_the_table_says_by_sense_and_the_matrix_beside_them() -> None:
    table, cosines = occurrences(5), np.linspace(0.5, 1, 25).reshape(5, 5)
    figure = figures.occurrences(table, cosines, shares=(0.5, 0.25), title="bank")
    *points, heat = figure.data
    shown = {text: (x, y) for trace in points for text, x, y in zip(trace.text, trace.x, trace.y, strict=True)}
    assert shown == {str(row.number): (row.x, row.y) for row in table.itertuples()}
    assert [trace.name for trace in points if trace.showlegend] == ["river", "money"]
    assert points[0].marker.color != points[1].marker.color and points[0].marker.symbol != points[1].marker.symbol
    drawn = np.array(heat.z, dtype=float)
    assert np.isnan(np.diag(drawn)).all()
    off = ~np.eye(5, dtype=bool)
    assert_allclose(drawn[off], cosines[off])
    assert (heat.zmin, heat.zmax) == (cosines[off].min(), cosines[off].max())
    assert heat.customdata[1][3] == "2 and 4"
    assert len(figure.layout.shapes) == 2 and figure.layout.shapes[0].x0 == 1.5
    assert "50% of the variance" in figure.layout.xaxis.title.text and "25%" in figure.layout.yaxis.title.text
    assert "projection that shows 75%" in figure.layout.annotations[0].text
    assert figure.layout.yaxis.scaleanchor == "x", "one unit is as long on x as on y"
    json.dumps(figure.to_plotly_json(), default=list, allow_nan=False)


def test_the_traces_are_the_same_for_any_senses() -> None:
    few = figures.occurrences(occurrences(2, sense=""), np.eye(2), shares=(1.0, 0.0))
    senses = [f"sense {i % 9}" for i in range(20)]
    many = figures.occurrences(occurrences(20, sense=senses), np.eye(20), shares=(1.0, 0.0))
    assert [trace.type for trace in few.data] == [trace.type for trace in many.data]
    assert [trace.name for trace in few.data if trace.showlegend] == ["sense not given"]
    assert [trace.name for trace in many.data if trace.showlegend] == [
        *(f"sense {i}" for i in range(6)),
        "other senses",
    ]
    colors = figures.sense_colors(senses)
    assert len({colors[f"sense {i}"] for i in range(6)}) == 6
    assert colors["sense 6"] == colors["sense 8"] == colors[""]


def test_a_sentence_in_a_hover_is_text_and_its_word_bold() -> None:
    hostile = f"\ue000{HOSTILE}</b><b>\ue001 "
    figure = figures.occurrences(
        occurrences(2, before=hostile, sense=HOSTILE), np.eye(2), shares=(0.0, 0.0), title=HOSTILE
    )
    said = figure.data[0].customdata[0]
    assert said.count("<b>") == 1 and "<b>bank</b>" in said and "<img" not in said
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; &#36;\\alpha&#36;&lt;/b&gt;&lt;b&gt;" in said.replace("<br>", " ")
    assert figure.data[0].name == figure.layout.title.text == figures.label(HOSTILE)


def test_a_matrix_or_table_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(3, 3\) for 4 occurrences"):
        figures.occurrences(occurrences(), np.eye(3), shares=(0, 0))
    with pytest.raises(InputError, match="no column 'sense'"):
        figures.occurrences(occurrences().drop(columns="sense"), np.eye(4), shares=(0, 0))
    with pytest.raises(InputError, match="no column 'layer'"):
        figures.senses_by_layer(pd.DataFrame({"name": ["a"]}))


def test_layers_are_a_line_with_intervals_and_baselines_lines_across() -> None:
    rows = np.random.default_rng(0).standard_normal((24, 3, 6)).astype(np.float32)
    corpus = Corpus(
        tuple(map(str, range(24))),
        ("text",) * 24,
        pd.DataFrame({"word": np.repeat(["a", "b"], 12), "sense": np.tile(["x", "y"], 12)}),
        "planted",
    )
    found = sense_accuracy(rows, corpus, baselines={HOSTILE: rows[:, 0], "other words": rows[:, 1]})
    for measure, low, high in (("accuracy", "low", "high"), ("rand", "rand_low", "rand_high")):
        figure = figures.senses_by_layer(found.table, chance=found.chance, measure=measure)
        chance, line, across, point, *_ = figure.data
        assert set(chance.y) == {0.5 if measure == "accuracy" else 0.0}
        assert_allclose(line.y, found.table[measure][:3])
        assert list(line.x) == [0, 1, 2]
        assert_allclose(line.y + line.error_y.array, found.table[high][:3])
        assert_allclose(line.y - line.error_y.arrayminus, found.table[low][:3])
        assert set(across.y) == {found.table[measure][3]} and point.x[0] == 3
        assert point.name == figures.label(HOSTILE)
        assert figure.layout.xaxis.ticktext[:3] == ("0", "1", "2") and "<img" not in figure.layout.xaxis.ticktext[3]


def test_the_bench_shows_what_the_rooms_compute(encoder) -> None:
    corpus = corpora.load("word-senses")
    rows = np.flatnonzero(corpus.metadata["word"] == "match")
    own = corpus.take(rows)
    spans = list(zip(own.metadata["start"], own.metadata["end"], strict=True))
    vectors = encoder.word_vectors(own.texts, spans=spans)
    bench = SenseBench(encoder, word="match", layer=4)
    assert bench.occurrences["sense"].tolist() == sorted(
        own.metadata["sense"], key=own.metadata["sense"].tolist().index
    )
    order = bench.occurrences["number"].to_numpy() - 1
    for row, number in zip(bench.occurrences.itertuples(), order, strict=True):
        assert row.before + row.word + row.after == own.texts[number]
        assert row.word == own.metadata["form"].iloc[number]
    there = np.ascontiguousarray(vectors[order, 4])
    assert_allclose(bench.cosines, cosine_similarity(there, there), atol=1e-5)
    assert_allclose(np.abs(bench.occurrences[["x", "y"]]), np.abs(principal_plane(there).coordinates), atol=1e-4)
    expected = sense_accuracy(vectors, own)
    assert_allclose(bench.accuracy.table["accuracy"], expected.table["accuracy"])
    said = expected.table.set_index("layer").loc[4]
    assert f"<b>{said['accuracy']:.0%}</b> of 16 sentences" in bench._status.value
    assert f"<b>{said['within']:.3f}</b>" in bench._status.value
    missed = (expected.sentences.query("layer == 4")["correct"] < 1).sum()
    assert bench._list.value.count("taken for another sense") == missed


def test_the_slider_repaints_without_reading_again(bench) -> None:
    read = list(bench._encoder.read)
    before = [trace.x for trace in bench.figure.data[:2]]
    bench.layer.value = 0
    assert bench._encoder.read == read
    assert "at layer 0 of 1, the input" in bench.figure.layout.title.text
    assert "At layer 0 " in bench._status.value
    assert not np.array_equal(bench.figure.data[0].x, before[0])
    callbacks.check()


def test_a_changed_line_alone_is_read_again(bench) -> None:
    bench._encoder.read.clear()
    lines = bench.sentences.value.splitlines()
    bench.sentences.value = "\n".join([*lines[:3], "", "a new sense | A bank, unheard of.", *lines[3:]])
    assert bench._encoder.read == ["A bank, unheard of."]
    assert bench.words.value == "" and len(bench.occurrences) == len(lines) + 1
    assert bench.occurrences["number"].tolist() != sorted(bench.occurrences["number"]), "ordered by sense"
    assert (bench.accuracy.words["senses"] == 2).all(), "a sense of one sentence is not counted"
    callbacks.check()


def test_another_word_fills_the_fields(bench) -> None:
    bench.words.value = "bat"
    assert bench.word.value == "bat" and bench.words.value == "bat"
    assert len(bench.sentences.value.splitlines()) == len(bench.occurrences) == 16
    assert bench.figure.layout.title.text.startswith("“bat”")
    callbacks.check()


def test_senses_are_compared_where_two_have_two_sentences(bench) -> None:
    bench.sentences.value = OWN
    assert "of 4 sentences go to their own sense; guessing: 50%" in bench._status.value
    bench.sentences.value = OWN.replace("river | A", "mud | A")
    assert bench.accuracy is None and "To compare senses" in bench._status.value
    bench.sentences.value = "The bank.\nThe bank."
    assert bench.occurrences["sense"].tolist() == ["", ""]
    assert "mean cosine of two occurrences is <b>1.000</b>" in bench._status.value
    assert "sense not given" in bench._list.value
    callbacks.check()


@pytest.mark.parametrize(
    ("word", "text", "message"),
    [
        ("bank", OWN + f"\n\nx | No such word {HOSTILE}", "sentence 5, 'No such word <img src=x onerror=alert(1)> & $"),
        ("loan", OWN, "sentence 1, 'The bank is wet.', does not have 'loan' as a whole word"),
        ("bank", "One bank.", "1 sentence cannot be compared"),
        ("bank", "", "0 sentences cannot be compared"),
        ("bank", "A bank.\n" * 101, "101 sentences cannot be compared"),
        (" ", OWN, "there is no word to look for"),
    ],
)
def test_what_cannot_be_read_is_said_and_the_last_figure_stays(bench, word, text, message) -> None:
    bench.sentences.value = OWN
    title = bench.figure.layout.title.text
    bench.word.value = word
    bench.sentences.value = text
    assert figures.label(message).replace("&#36;", "<span>$</span>").replace("'", "&#x27;") in bench._status.value
    assert 'role="alert"' in bench._status.value and "<img" not in bench._status.value
    assert len(bench.occurrences) == 4 and bench.figure.layout.title.text == title
    bench.layer.value = 0
    assert 'role="alert"' in bench._status.value, "the message stays until it is mended"
    bench.word.value = "bank"
    bench.sentences.value = OWN + "\n"
    assert 'role="status"' in bench._status.value
    callbacks.check()


def test_a_failure_is_recorded_and_shown(bench) -> None:
    def fail(*_, **__):
        raise RuntimeError("out of <memory>")

    bench._encoder.word_vectors = fail
    bench.sentences.value = OWN
    assert "out of &lt;memory&gt;" in bench._status.value
    assert len(callbacks.errors()) == 1
    callbacks._recorded.clear()


def test_a_failure_halfway_leaves_what_was_shown(bench, monkeypatch) -> None:
    def fail(*_, **__):
        raise RuntimeError("no number")

    bench.sentences.value = OWN
    with monkeypatch.context() as patch:
        patch.setattr(sense_bench, "sense_accuracy", fail)
        bench.sentences.value = f"{OWN}\nmoney | The bank is shut."
    assert "no number" in bench._status.value
    bench.layer.value = 0
    assert "at layer 0 of 1" in bench.figure.layout.title.text and len(bench.occurrences) == 4
    assert [str(error) for error in callbacks.errors()] == ["read the sentences: RuntimeError: no number"]
    callbacks._recorded.clear()


def test_the_list_is_of_the_layer_that_is_drawn_while_a_message_stands(bench) -> None:
    bench.word.value = "loan"
    missed = []
    for layer in (1, 0):
        bench.layer.value = layer
        rows = bench.accuracy.sentences.query(f"layer == {layer}")
        missed.append(int((rows["correct"] < 1).sum()))
        assert bench._list.value.count("taken for another sense") == missed[-1]
    assert missed[0] != missed[1] and 'role="alert"' in bench._status.value
    callbacks.check()


def test_hostile_sentences_are_text_everywhere(bench) -> None:
    bench.sentences.value = "\n".join(f"{HOSTILE} | {HOSTILE} bank {i}" for i in range(2)) + "\n" + OWN
    drawn = str(bench.figure.to_dict()) + bench._list.value + bench._status.value
    assert "<img" not in drawn and "&lt;img src=x" in drawn
    callbacks.check()


def test_what_the_bench_cannot_show_is_refused() -> None:
    with pytest.raises(InputError, match="no word 'loan'"):
        SenseBench(TinyLayers(), word="loan")
    with pytest.raises(InputError, match="no layer 2"):
        SenseBench(TinyLayers(), layer=2)
    with pytest.raises(InputError, match="'bare' has no column 'word'"):
        SenseBench(TinyLayers(), Corpus(("a",), ("text",), name="bare"))
