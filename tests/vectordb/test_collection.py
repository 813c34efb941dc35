"""What a collection promises, whatever engine holds it."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.vectordb.places import Places, filled, gaussian
from workbench.errors import IdentityError, InputError, StorageError, VectorError
from workbench.geometry import exact_neighbours
from workbench.records import Corpus, ModelIdentity, Vectors
from workbench.vectordb import Collection, CollectionConfig, Layout, Search

N = 300
MODEL = ModelIdentity("tiny", "1" * 40, 8, query_prompt="query: ", document_prompt="passage: ")


@pytest.fixture(scope="module")
def full(fresh: Places) -> Iterator[Collection]:
    """A collection that no test changes."""
    with Collection.from_corpus(fresh(), filled(N), gaussian(N), progress=False) as collection:
        yield collection


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_it_finds_the_exact_neighbours_with_scores_of_the_metric(fresh: Places, metric):
    vectors = replace(gaussian(N), metric=metric)
    queries = replace(gaussian(20, seed=1), metric=metric)
    with Collection.create(fresh(), dimensions=8, metric=metric) as collection:
        collection.upsert(vectors, progress=False)
        found = collection.query_batch(queries, 10, search=Search(exact=True))
        assert collection.query(queries.array[0], 10, search=Search(exact=True)) == found[0]
    truth = exact_neighbours(queries, vectors, 10)
    assert [[match.id for match in answer] for answer in found] == [[f"p{i}" for i in row] for row in truth.ids]
    np.testing.assert_allclose([[match.score for match in row] for row in found], truth.scores, rtol=1e-4, atol=1e-5)


def test_texts_and_metadata_come_back_as_they_were(full: Collection):
    corpus, vectors = filled(N), gaussian(N)
    points = {match.id: match for match in full.scroll(batch=77, with_vectors=True)}
    assert set(points) == set(corpus.ids)
    for row, id in enumerate(corpus.ids):
        match = points[id]
        assert (match.text, math.isnan(match.score)) == (corpus.texts[row], True)
        cells = {name: corpus.metadata[name][row] for name in corpus.metadata.columns}
        kept = {name: cell for name, cell in cells.items() if cell is not None and cell is not pd.NA}
        if "day. 1" in kept:
            kept["day. 1"] = kept["day. 1"].tz_localize("UTC").isoformat()
        assert match.metadata == kept
        direction = vectors.array[row] / np.linalg.norm(vectors.array[row])
        assert match.vector is not None
        np.testing.assert_allclose(match.vector, direction, rtol=1e-5, atol=1e-6)


def test_retrieve_keeps_the_order_and_leaves_out_what_is_not_there(full: Collection):
    assert [match.id for match in full.retrieve(["p7", "nobody", "p3", "p7"])] == ["p7", "p3"]


def test_counts_of_values_are_those_of_the_table(full: Collection):
    table = filled(N).metadata
    assert full.facet("source") == table["source"].value_counts().to_dict()
    assert full.facet("open") == table["open"].value_counts().to_dict()
    assert full.facet("stock", where={"open": True}) == table["stock"][table["open"] == True].value_counts().to_dict()  # noqa: E712
    assert sum(full.facet("tags", limit=1).values()) == table["tags"].notna().sum()


def test_what_cannot_be_counted_is_refused(full: Collection):
    with pytest.raises(InputError, match="indexed as float"):
        full.facet("price")
    with pytest.raises(InputError, match="Did you mean 'source'"):
        full.facet("sorce")


def test_upserting_again_replaces(empty: Collection):
    first = Corpus(("a", "b"), ("old a", "old b"), pd.DataFrame({"n": [1, 2]}))
    empty.upsert(Vectors(("a", "b"), gaussian(2).array), first, progress=False)
    second = Corpus(("b", "c"), ("new b", "new c"), pd.DataFrame({"m": ["x", "y"]}))
    report = empty.upsert(Vectors(("c", "b"), gaussian(2, seed=2).array), second, batch=1, progress=False)
    assert report.points == 2
    assert {match.id: (match.text, dict(match.metadata)) for match in empty.scroll()} == {
        "a": ("old a", {"n": 1}),
        "b": ("new b", {"m": "x"}),
        "c": ("new c", {"m": "y"}),
    }


def test_delete_says_how_many_there_were(fresh: Places):
    with Collection.from_corpus(fresh(), filled(50), gaussian(50), progress=False) as collection:
        assert collection.delete(["p1", "p1", "nobody"]) == 1
        negative = collection.count({"price": {"lt": 0}})
        assert negative > 0
        assert collection.delete(where={"price": {"lt": 0}}) == negative
        assert collection.count() == 49 - negative
        assert collection.count({"price": {"lt": 0}}) == 0
        assert collection.delete([]) == 0
        for careless in ({}, {"where": {}}, {"ids": ["p2"], "where": {"open": True}}):
            with pytest.raises(InputError, match="not told what"):
                collection.delete(**careless)
        with pytest.raises(InputError, match="one string"):
            collection.delete("p2")


def test_reopened_it_is_what_it_was(fresh: Places):
    place = fresh()
    layout = Layout(m=8, full_scan_threshold=1, payload_m=8)
    vectors = replace(gaussian(N), model=MODEL)
    with Collection.create(place, dimensions=8, model=MODEL, fields={"stock": "integer"}, layout=layout) as made:
        made.upsert(vectors, filled(N), progress=False)
        made.optimize()
        before = made.config, made.query(vectors.take([5]), 5, search=Search(exact=True))
        made.reopen()
        assert (made.config, made.query(vectors.take([5]), 5, search=Search(exact=True))) == before
    with Collection.open(place) as again:
        assert again.config == before[0]
        assert again.config.model == MODEL
        assert again.config.columns["price"] == "float"
        assert again.config.fields == {"stock": "integer"}
        assert again.count() == N


def test_a_configuration_survives_its_dictionary():
    config = CollectionConfig(8, "dot", MODEL, {"a": "text"}, {"b": "bool"}, Layout(quantization="turbo"), "x")
    assert CollectionConfig.from_dict(config.as_dict()) == config
    with pytest.raises(StorageError, match="version 2"):
        CollectionConfig.from_dict({**config.as_dict(), "version": 2})
    with pytest.raises(StorageError, match="cannot be read"):
        CollectionConfig.from_dict({**config.as_dict(), "layout": {"m": -1}})


def test_a_query_of_another_model_is_refused_by_name(fresh: Places):
    with Collection.create(fresh(), dimensions=8, model=MODEL) as collection:
        collection.upsert(replace(gaussian(5), model=MODEL), progress=False)
        other = replace(MODEL, name="another")
        with pytest.raises(IdentityError, match="name 'another' against 'tiny'"):
            collection.query(replace(gaussian(1), model=other))
        prompted = replace(MODEL, query_prompt="")
        with pytest.raises(IdentityError, match="query_prompt"):
            collection.query_batch(replace(gaussian(2), model=prompted))
        with pytest.raises(IdentityError, match="another"):
            collection.upsert(replace(gaussian(1), model=other), progress=False)
        assert collection.count() == 5


def test_vectors_that_do_not_fit_are_refused(empty: Collection):
    with pytest.raises(VectorError, match="16 dimensions in a collection of 8"):
        empty.query(gaussian(1, 16).array[0])
    with pytest.raises(VectorError, match="NaN"):
        empty.query(np.full(8, np.nan, dtype=np.float32))
    with pytest.raises(VectorError, match="length 0"):
        empty.upsert(Vectors(("a",), np.zeros((1, 8), dtype=np.float32)), progress=False)
    with pytest.raises(VectorError, match="2 vectors for one query"):
        empty.query(gaussian(2))
    with pytest.raises(VectorError, match="made for dot"):
        empty.upsert(replace(gaussian(1), metric="dot"), progress=False)
    with pytest.raises(InputError, match="k=0"):
        empty.query(gaussian(1), 0)
    with pytest.raises(InputError, match="'p1' has no text"):
        empty.upsert(gaussian(2), filled(1), progress=False)


def test_an_empty_collection_answers(empty: Collection):
    assert empty.query(gaussian(1)) == []
    assert empty.query_batch(np.empty((0, 8), dtype=np.float32)) == []
    assert (empty.count(), list(empty.scroll()), empty.retrieve([])) == (0, [], [])


def test_fewer_pass_the_filter_than_were_asked_for(full: Collection):
    where = {"source": "shipping", "stock": {"gte": 4}, "open": True}
    passing = full.count(where)
    assert 0 < passing < 20
    assert len(full.query(gaussian(1).array[0], 20, where=where)) == passing


def test_a_place_is_not_taken_twice(fresh: Places):
    place = fresh()
    Collection.create(place, dimensions=8).close()
    with pytest.raises(StorageError, match="already"):
        Collection.create(place, dimensions=8)


def test_there_is_nothing_to_open(fresh: Places):
    with pytest.raises(StorageError, match="there is no collection"):
        Collection.open(fresh())


def test_from_corpus_goes_on_where_it_was_cut_short(fresh: Places):
    place = fresh()
    with Collection.from_corpus(place, filled(N), gaussian(N), progress=False) as collection:
        collection.delete([f"p{row}" for row in range(100, 200)])
    with Collection.from_corpus(place, filled(N), gaussian(N), progress=False) as collection:
        assert collection.count() == N
    with pytest.raises(StorageError, match="other texts or vectors"):
        Collection.from_corpus(place, filled(N, seed=1), gaussian(N), progress=False)
    with Collection.open(place) as collection:
        assert collection.count() == N


def test_words_are_found_in_a_field_of_text(fresh: Places):
    corpus = Corpus(("a", "b", "c"), ("", "", ""), pd.DataFrame({"body": ["The late parcel", "a parcel", "LATE!"]}))
    with Collection.from_corpus(
        fresh(), corpus, Vectors(corpus.ids, gaussian(3).array), fields={"body": "text"}, progress=False
    ) as collection:
        assert collection.count({"body": {"text": "parcel late"}}) == 1
        assert collection.count({"body": {"text": "late"}}) == 2
        assert collection.count({"not": {"body": {"text": "late"}}}) == 1
        assert collection.count({"body": "a parcel"}) == 1


@pytest.mark.parametrize(
    ("quantization", "least"), [("scalar", 0.95), ("product", 0.9), ("binary", 0.6), ("turbo", 0.95)]
)
def test_quantized_it_finds_most_of_what_is_near(fresh: Places, quantization, least):
    vectors = gaussian(600, 64)
    layout = Layout(quantization=quantization, full_scan_threshold=1, on_disk=True)
    with Collection.create(fresh(), dimensions=64, layout=layout) as collection:
        collection.upsert(vectors, progress=False)
        collection.optimize()
        queries = gaussian(50, 64, seed=3).array
        truth = exact_neighbours(queries, vectors.array, 10).ids
        answers = collection.query_batch(queries, 10, search=Search(ef=200, rescore=True, oversampling=10.0))
        found = [{int(match.id[1:]) for match in answer} for answer in answers]
        assert np.mean([len(ids & set(row.tolist())) / 10 for ids, row in zip(found, truth, strict=True)]) > least


def test_settings_that_are_none_are_refused():
    for wrong in ({"m": 1}, {"ef_construct": 0}, {"payload_m": -1}, {"quantization": "ternary"}, {"shard_number": 0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Layout(**wrong)
    for wrong in ({"ef": 0}, {"oversampling": 0.5}, {"max_selectivity": 2.0}, {"oversampling": math.nan}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Search(**wrong)
    with pytest.raises(InputError, match="indexed as 'word'"):
        CollectionConfig(8, fields={"a": "word"})
    with pytest.raises(InputError, match="metric 'manhattan'"):
        CollectionConfig(8, "manhattan")


def test_any_string_is_an_id(empty: Collection):
    ids = ("", "a/b", "🙂", "ä", "550e8400-e29b-41d4-a716-446655440000", "7", "x" * 500, "<script>")
    empty.upsert(Vectors(ids, gaussian(len(ids)).array), progress=False)
    assert [match.id for match in empty.retrieve(ids)] == list(ids)
    assert empty.delete(ids) == len(ids)
