"""Nobody is shown a document that is not for them, whatever they ask and however it is searched."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from tests.vectordb.places import Places, gaussian, is_engine, is_front
from workbench.records import Corpus, Vectors
from workbench.vectordb import Collection, Layout, Search

N, D, ROUNDS, QUERIES = 1_500, 8, 400, 8
N_PLAIN, ROUNDS_PLAIN = 60, 250  # where every point is compared in Python
ROUNDS_ON_THE_WIRE = 40
AUDIENCES = ["public", "staff", "finance", "board"]
SEARCHES = [Search(), Search(ef=64), Search(acorn=True, max_selectivity=1.0), Search(exact=True)]


def guarded() -> Corpus:
    rng = np.random.default_rng(5)
    audience = [sorted(rng.choice(AUDIENCES, rng.integers(0, 3), replace=False).tolist()) or None for _ in range(N)]
    table = pd.DataFrame(
        {"audience": audience, "team": rng.choice(["a", "b", "c"], N), "year": rng.integers(2000, 2020, N)}
    )
    return Corpus(tuple(f"p{row}" for row in range(N)), tuple(f"secret {row}" for row in range(N)), table)


CORPUS, VECTORS = guarded(), gaussian(N, D)


@pytest.fixture(scope="module")
def collection(fresh: Places) -> Iterator[Collection]:
    """Most of it in a graph, some written since, some written twice, some deleted and written again."""
    place = fresh()
    n = N if is_engine(place) else N_PLAIN
    cut, twice = n * 4 // 5, n * 11 // 15
    first, last = np.arange(cut), np.arange(twice, n)
    layout = Layout(full_scan_threshold=1, payload_m=8)
    with Collection.from_corpus(place, CORPUS.take(first), VECTORS.take(first), layout=layout, progress=False) as made:
        open_to_all = CORPUS.metadata.assign(audience="public")
        before = Corpus(CORPUS.ids, CORPUS.texts, open_to_all).take(last)
        made.upsert(VECTORS.take(last), before, progress=False)
        made.delete([f"p{row}" for row in range(0, n, 7)])
        rest = np.concatenate([np.arange(0, twice, 7), last])
        made.upsert(VECTORS.take(rest), CORPUS.take(rest), progress=False)
        assert made.count() == n
        yield made


def test_no_forbidden_document_is_ever_returned(collection: Collection):
    allowed = {id: set(cell or ()) for id, cell in zip(CORPUS.ids, CORPUS.metadata["audience"], strict=True)}
    rng = np.random.default_rng(11)
    answered = forbidden_without = 0
    rounds = ROUNDS if is_engine(collection.place) else ROUNDS_PLAIN
    if is_front(collection.place):
        rounds = ROUNDS_ON_THE_WIRE
    for _ in range(rounds):
        groups = sorted(rng.choice(AUDIENCES, rng.integers(1, 3), replace=False).tolist())
        other = [
            {},
            {"team": str(rng.choice(["a", "b", "c"]))},
            {"year": {"gte": int(rng.integers(2000, 2020))}},
            {"not": {"team": "a"}},
            {"or": [{"team": "b"}, {"year": {"lt": int(rng.integers(2000, 2020))}}]},
        ][rng.integers(5)]
        queries = rng.standard_normal((QUERIES, D)).astype(np.float32)
        search = SEARCHES[rng.integers(len(SEARCHES))]
        where = {"audience": groups, **other}
        for answer in collection.query_batch(queries, 10, where=where, search=search):
            answered += len(answer)
            assert all(allowed[match.id] & set(groups) for match in answer)
        assert all(allowed[match.id] & set(groups) for match in collection.scroll(where, batch=5_000))
        open_answer = collection.query(queries[0], 10, where=other or None, search=search)
        forbidden_without += sum(not allowed[match.id] & set(groups) for match in open_answer)
    assert answered > rounds * QUERIES  # the filter lets through what it may
    assert forbidden_without > rounds  # and without it the forbidden ones would have come


def test_who_is_in_no_group_sees_nothing(collection: Collection):
    assert collection.query(VECTORS.array[0], 10, where={"audience": []}) == []
    assert collection.count({"audience": []}) == 0


def test_a_document_that_is_withdrawn_is_gone_at_once(fresh: Places):
    vectors = gaussian(2, D)
    for_all = Corpus(vectors.ids, ("", ""), pd.DataFrame({"audience": ["public", "public"]}))
    for_few = Corpus(("p0",), ("",), pd.DataFrame({"audience": ["board"]}))
    with Collection.from_corpus(fresh(), for_all, vectors, progress=False) as collection:
        collection.upsert(Vectors(("p0",), vectors.array[:1]), for_few, progress=False)
        answer = collection.query(vectors.array[0], 5, where={"audience": "public"})
        assert [match.id for match in answer] == ["p1"]
