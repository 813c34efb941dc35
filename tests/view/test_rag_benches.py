"""The benches of notebook 12: budgets, questions, filters and queries move, and every text stays text."""

import pandas as pd
import pytest

from tests.tiny_encoder import TinyEncoder
from workbench import callbacks, tasks
from workbench.errors import InputError
from workbench.records import Corpus, Vectors
from workbench.vectordb import Collection
from workbench.view import RagBench, SearchBench

HOSTILE = "<img src=x onerror=y> $x$ apple pie"


class Counting(TinyEncoder):
    def count_tokens(self, texts):
        return [len(text.split()) for text in texts]


def rag(**options):
    texts = (
        f"{HOSTILE} is baked with five green apples daily",
        *(f"word{i} word{i % 5} common apple" for i in range(20)),
    )
    corpus = Corpus(tuple(map(str, range(len(texts)))), texts)
    index = tasks.SemanticIndex(
        corpus, Vectors(corpus.ids, TinyEncoder().encode(texts), TinyEncoder().identity), Counting()
    )
    evidence = ["<img src=x onerror=y> $x$ apple pie is baked", "word7 word2 common apple"]
    questions = Corpus(("a", "b"), (f"{HOSTILE} baked?", "word7 word2"), pd.DataFrame({"evidence": evidence}))
    return RagBench(questions, index, Counting(), budgets=(3, 30, 80), k=10, **options)


def whole(bench):
    return bench._chunks.value + bench._prompt.value + bench._status.value


def test_the_budget_decides_what_fits():
    bench = rag(budget=3)
    assert not bench.context.used and not bench.grounding.covered and "Not grounded" in bench._status.value
    bench.budget.value = 80
    assert bench.grounding.covered and "<b>Grounded</b>" in bench._status.value and bench.context.tokens <= 80
    assert bench._chunks.value.count("no room") == 10 - len(bench.context.used)
    bench.questions.value = "b"
    assert "word7 word2 common apple</mark>" in bench._chunks.value and bench.prompt.startswith("Answer the question")
    assert whole(bench) == whole(rag(budget=80, question="b"))
    callbacks.check()


def test_the_rag_bench_shows_text_as_text():
    shown = whole(rag(budget=80))
    assert "<img" not in shown and "$x" not in shown and "&lt;img" in shown


def test_the_rag_bench_refuses_what_it_cannot_show():
    with pytest.raises(InputError, match="no budget 7"):
        rag(budget=7)
    with pytest.raises(InputError, match="evidence"):
        RagBench(Corpus(("a",), ("b",)), None, Counting())


@pytest.fixture
def collection(tmp_path):
    texts = ("apple pie recipe", HOSTILE, "banana bread", "apple cider", "cherry cake")
    table = pd.DataFrame(
        {"source": ["a", "<b>b</b>", "a", "c", "c"], "audience": ["all", "all", "staff", "all", "staff"]}
    )
    corpus = Corpus(("1", "2", "3", "4", "5"), texts, table)
    vectors = Vectors(corpus.ids, TinyEncoder().encode(texts), TinyEncoder().identity)
    with Collection.from_corpus(tmp_path / "c", corpus, vectors, progress=False) as opened:
        yield opened


def ids(bench):
    return {name: [hit.id for hit in found] for name, found in bench.hits.items()}


def test_filters_and_queries_move_all_three_lists(collection):
    bench = SearchBench(collection, TinyEncoder(), fields=("source", "audience"), query="apple pie", k=3)
    assert set(ids(bench)) == {"dense", "BM25", "hybrid"} and bench.where is None
    assert "<b>5</b> passages pass" in bench._status.value and ids(bench)["dense"][0] == "1"
    bench.filters["source"].value = "c"
    assert bench.where == {"source": "c"} and set(ids(bench)["dense"]) == {"4", "5"} and ids(bench)["BM25"] == ["4"]
    bench.filters["audience"].value = "staff"
    assert ids(bench) == {"dense": ["5"], "BM25": [], "hybrid": ["5"]} and "nothing found" in bench._lists.value
    bench.query.value = "cherry"
    assert ids(bench)["BM25"] == ["5"]
    bench.filters["source"].value = "<b>b</b>"
    assert not any(ids(bench).values()) and "<b>0</b> passages pass" in bench._status.value
    again = SearchBench(
        collection, TinyEncoder(), fields=("source", "audience"), query="cherry", k=3, where=bench.where
    )
    assert again._lists.value == bench._lists.value and again._status.value == bench._status.value
    callbacks.check()


def test_the_search_bench_shows_text_as_text_and_refuses_what_is_not_there(collection):
    bench = SearchBench(collection, TinyEncoder(), query="<script>x</script> apple pie $x$")
    bench.filters["source"].value = "<b>b</b>"
    shown = bench._lists.value + bench._status.value
    assert "<img" not in shown and "$x" not in shown and "<b>b" not in shown and "&lt;b&gt;b" in shown
    with pytest.raises(InputError, match="no passage has source='zzz'"):
        SearchBench(collection, TinyEncoder(), where={"source": "zzz"})
    with pytest.raises(InputError, match="no drop-down for 'audience'"):
        SearchBench(collection, TinyEncoder(), where={"audience": "all"})
    callbacks.check()
