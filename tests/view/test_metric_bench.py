"""The figure of three ranked lists, and the widget that stretches vectors by popularity."""

import json

import numpy as np
import pytest

from tests.tiny_encoder import TinyEncoder
from workbench import callbacks, geometry
from workbench.errors import IdentityError, InputError
from workbench.records import Corpus, Vectors
from workbench.view import MetricBench, figures

K = 5
TEXTS = tuple(f"word{i} word{i % 7} common word{i % 3}" for i in range(40))


def comparison(strength):
    vectors = Vectors(tuple(map(str, range(40))), TinyEncoder().encode(TEXTS))
    scaled = geometry.scale_by_popularity(vectors, np.arange(1, 41), strength)
    found = geometry.compare_metrics(TinyEncoder().encode(["word3 common"])[0], scaled, K)
    why = [found.sentence(id) for id in found.table["id"]]
    return found.table.assign(name=[TEXTS[row] for row in found.table["row"]], why=why)


def listed(figure):
    """Names in each of the three lists, from the top, as the figure writes them."""
    names = figure.data[5]
    by_x = {x: [] for x in sorted(set(names.x))}
    for x, y, text in sorted(zip(names.x, names.y, names.text, strict=True)):
        assert y == len(by_x[x]) + 1
        by_x[x].append(text)
    return list(by_x.values())


@pytest.mark.parametrize("strength", [0.0, 0.6])
def test_the_lists_are_those_of_the_table(strength):
    table = comparison(strength)
    figure = figures.rank_changes(table, k=K)
    for metric, names in zip(("cosine", "dot", "euclidean"), listed(figure), strict=True):
        expected = table.sort_values(f"rank_{metric}")["name"][:K]
        plain = [name.replace("<b>", "").replace("</b>", "").replace("<br>", " ") for name in names]
        assert plain == list(expected)


def test_lists_that_agree_have_only_level_grey_lines_and_nothing_below():
    figure = figures.rank_changes(comparison(0.0), k=K)
    same, *moved = figure.data[:4]
    assert len(same.x) == 2 * K * 26 and all(not trace.x for trace in moved)
    heights = [y for y in same.y if y is not None]
    assert sorted(set(heights)) == list(range(1, K + 1))
    assert not figure.data[-1].x


def test_an_item_that_leaves_a_list_ends_below_it_at_its_rank():
    table = comparison(0.8)
    figure = figures.rank_changes(table, k=K)
    chips = figure.data[-1]
    expected = []
    for before, after in (("cosine", "dot"), ("dot", "euclidean")):
        shown = table[(table[f"rank_{before}"] <= K) | (table[f"rank_{after}"] <= K)]
        for end in (before, after):
            expected += [f"{rank:,}" for rank in shown[f"rank_{end}"] if rank > K]
    assert expected and sorted(chips.text) == sorted(expected)
    assert min(chips.y) > K + 0.5


def test_each_line_has_the_color_of_its_cause_and_its_sentence():
    table = comparison(0.8)
    figure = figures.rank_changes(table, k=K)
    for cause, trace in zip(("", "norm", "angle", "hub"), figure.data[:4], strict=True):
        wanted = 0
        for before, after in (("cosine", "dot"), ("dot", "euclidean")):
            shown = (table[f"rank_{before}"] <= K) | (table[f"rank_{after}"] <= K)
            wanted += int((shown & (table[f"cause_{after}"] == cause)).sum())
        assert len(trace.x or ()) == 26 * wanted
    assert len({trace.line.color for trace in figure.data[:4]}) == 4
    assert len({(trace.line.dash, trace.line.width) for trace in figure.data[:4]}) == 4


def test_names_are_text():
    table = comparison(0.4).assign(name="<script>x</script> <img onerror=y> $z$")
    written = json.dumps(json.loads(figures.rank_changes(table, k=K, title="<script>").to_json()))
    assert "<script" not in written and "<img" not in written and "$" not in written
    with pytest.raises(InputError, match="no column 'why'"):
        figures.rank_changes(table.drop(columns="why"))


def bench(**options):
    texts = ("<script>alert(1)</script> apple", "apple banana", "cherry <img src=x onerror=y>", "$x$ apple pie", *TEXTS)
    corpus = Corpus(tuple(map(str, range(len(texts)))), texts)
    vectors = Vectors(corpus.ids, TinyEncoder().encode(texts), TinyEncoder().identity)
    popularity = np.ones(len(texts))
    popularity[1] = 50
    queries = Corpus(("a", "b"), ("<script>alert(1)</script> apple", "word3 common"))
    return MetricBench(corpus, vectors, popularity, queries, TinyEncoder(), k=K, **options)


def test_the_slider_changes_the_winner_under_dot_product_and_leaves_cosine():
    shown = bench()
    cosine, dot, _ = listed(shown.figure)
    assert cosine == dot and "no winner differs" in shown.children[-1].value
    for _, value in shown.strength.options:
        shown.strength.value = value
        assert listed(shown.figure)[0] == cosine
    assert listed(shown.figure)[1][0] == "<b>1</b>"
    assert "the winner under <b>dot product</b> is now <b>1</b>, instead of 0" in shown.children[-1].value
    assert "times as long as the median" in shown.children[-1].value
    callbacks.check()


def test_what_is_drawn_equals_a_fresh_figure():
    shown = bench(strength=1.0)
    shown.strength.value = 0.3
    shown.queries.value = "word3 common"
    again = bench(strength=0.3, query="word3 common")
    assert shown.figure.to_json() == again.figure.to_json()
    assert shown.children[-1].value == again.children[-1].value


def test_a_typed_query_is_answered_and_is_text():
    shown = bench()
    shown.typed.value = "cherry <b>$x$</b>"
    assert shown.comparison.table.iloc[0]["row"] == 2
    assert "<b>$" not in shown.figure.layout.title.text and "&lt;b&gt;" in shown.figure.layout.title.text
    shown.typed.value = "  "
    assert shown.comparison.table.iloc[0]["row"] == 2
    callbacks.check()


def test_an_error_is_shown_and_recorded(monkeypatch):
    shown = bench()

    def broken(*args, **options):
        raise ValueError("<i>out of order</i>")

    monkeypatch.setattr(TinyEncoder, "encode", broken)
    shown.typed.value = "something new"
    assert "&lt;i&gt;out of order" in shown.children[-1].value
    with pytest.raises(Exception, match="out of order"):
        callbacks.check()


def test_what_does_not_fit_is_refused():
    corpus = Corpus(("a", "b"), ("x", "y"))
    vectors = Vectors(corpus.ids, TinyEncoder().encode(corpus.texts), TinyEncoder().identity)
    with pytest.raises(InputError, match="not those of"):
        MetricBench(corpus, vectors.take([0]), [1], ["x"], TinyEncoder(), k=1)
    with pytest.raises(InputError, match="not among 1"):
        MetricBench(corpus, vectors, [1, 1], ["x"], TinyEncoder(), query="z", k=1)
    with pytest.raises(InputError, match=r"no step 0\.05"):
        MetricBench(corpus, vectors, [1, 1], ["x"], TinyEncoder(), strength=0.05, k=1)
    with pytest.raises(IdentityError):
        MetricBench(corpus, vectors, [1, 1], ["x"], TinyEncoder(name="another"), k=1)
