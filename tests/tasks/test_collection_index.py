"""Search of a collection by meaning, and filters for a corpus in memory."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.tiny_encoder import TinyEncoder
from workbench.embed import embed
from workbench.errors import IdentityError, InputError
from workbench.records import Corpus, Vectors
from workbench.tasks import (
    CollectionIndex,
    Diverse,
    HybridIndex,
    KeywordIndex,
    SemanticIndex,
    passing_rows,
    stored_corpus,
)
from workbench.vectordb import Collection, Search

TOPICS = ["pets", "money", None]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    words = ["cat", "dog", "bank", "rate", "tree", "lamp", "river", "stone"]
    rng = np.random.default_rng(0)
    texts = tuple(" ".join(rng.choice(words, size=5)) for _ in range(60))
    table = {
        "topic": [TOPICS[n % 3] for n in range(60)],
        "price": [float(n) for n in range(60)],
        "day": [f"2024-{1 + n % 12:02}-01" for n in range(60)],
    }
    return Corpus(tuple(f"p{n}" for n in range(60)), texts, pd.DataFrame(table))


@pytest.fixture(scope="module")
def vectors(corpus: Corpus) -> Vectors:
    return embed(corpus, TinyEncoder(), cache=False, progress=False)


@pytest.fixture(scope="module")
def collection(corpus: Corpus, vectors: Vectors, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    place: Path = tmp_path_factory.mktemp("collection") / "c"
    with Collection.from_corpus(place, corpus, vectors, progress=False) as made:
        yield made


def test_an_exact_search_of_a_collection_is_the_search_of_its_vectors(corpus, vectors, collection):
    dense = SemanticIndex(corpus, vectors, TinyEncoder())
    index = CollectionIndex(collection, TinyEncoder(), search=Search(exact=True))
    for ours, wanted in zip(index.search(["cat dog", "river"], 9), dense.search(["cat dog", "river"], 9), strict=True):
        assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in wanted], abs=1e-5)
        assert {hit.id for hit in ours if hit.score > wanted[-1].score + 1e-5} <= {hit.id for hit in wanted}
        assert all(hit.text == corpus.texts[corpus.row(hit.id)] for hit in ours)
    assert len(index) == 60
    assert index.search([], 3) == []
    np.testing.assert_allclose(index.vectors_of(["p7", "p2"]), dense.vectors_of(["p7", "p2"]), atol=1e-6)
    with pytest.raises(InputError, match="there is no id 'zz' in the collection"):
        index.vectors_of(["p7", "zz"])


def test_every_search_of_a_filtered_index_is_filtered(corpus, collection):
    where = {"topic": "pets", "price": {"lt": 30}}
    index = CollectionIndex(collection, TinyEncoder(), where=where)
    passing = {f"p{n}" for n in range(0, 30, 3)}
    assert len(index) == 10
    assert {hit.id for hit in index.search(["bank"], 50)[0]} == passing
    words = KeywordIndex(stored_corpus(collection, where))
    for searcher in (HybridIndex([index, words]), Diverse(index, 0.3)):
        assert {hit.id for hit in searcher.search(["bank cat"], 50)[0]} <= passing


def test_a_collections_passages_are_its_corpus(corpus, collection):
    stored = stored_corpus(collection)
    assert set(stored.ids) == set(corpus.ids)
    again = stored.take([stored.row(id) for id in corpus.ids])
    assert again.texts == corpus.texts
    assert again.metadata["price"].tolist() == corpus.metadata["price"].tolist()
    assert again.metadata["topic"].isna().tolist() == [n % 3 == 2 for n in range(60)]
    nothing = stored_corpus(collection, {"topic": "none"})
    assert len(nothing) == 0
    assert KeywordIndex(nothing).search(["cat"], 3) == [[]]


@pytest.mark.parametrize(
    ("where", "passing"),
    [
        ({"topic": "pets"}, range(0, 60, 3)),
        ({"topic": None}, range(2, 60, 3)),
        ({"price": {"gte": 10, "lt": 12}}, [10, 11]),
        ({"day": {"gt": "2024-11-15"}}, range(11, 60, 12)),
        ({"day": "2024-01-01", "topic": "pets"}, range(0, 60, 12)),
        ({"not": {"price": {"gt": 1}}}, [0, 1]),
        ({"topic": "none"}, []),
    ],
    ids=str,
)
def test_rows_that_pass_a_filter(corpus, where, passing):
    assert passing_rows(corpus, where) == list(passing)


def test_filters_and_queries_that_do_not_fit(corpus, collection):
    with pytest.raises(InputError, match=r"no field 'topics' .*Did you mean 'topic'"):
        passing_rows(corpus, {"topics": "pets"})
    with pytest.raises(InputError, match="'price' is of type float"):
        passing_rows(corpus, {"price": "cheap"})
    with pytest.raises(IdentityError, match="other-words"):
        CollectionIndex(collection, TinyEncoder(name="other-words"))
    with pytest.raises(InputError, match="the first 0 hits are none"):
        CollectionIndex(collection, TinyEncoder()).search(["cat"], 0)
