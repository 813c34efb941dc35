"""A collection moved to another place is the same there, or the move says that it is not."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.vectordb.places import PLACES, Places, filled, gaussian
from workbench.errors import StorageError
from workbench.records import ModelIdentity
from workbench.vectordb import Collection, Layout, Match, move

N = 320
MODEL = ModelIdentity("tiny", "1" * 40, 8, query_prompt="query: ", document_prompt="passage: ")


@pytest.fixture(params=list(PLACES))
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    return lambda: PLACES[request.param](tmp_path)


@pytest.fixture(scope="module")
def source(fresh: Places) -> Iterator[Collection]:
    vectors = replace(gaussian(N), model=MODEL)
    with Collection.from_corpus(fresh(), filled(N), vectors, layout=Layout(m=20), progress=False) as made:
        yield made


def points(collection: Collection) -> list[Match]:
    return [replace(match, score=0.0) for match in collection.scroll()]


def test_it_is_the_same_in_the_other_place(source: Collection, target: Places):
    place = target()
    report = move(source, place, progress=False)
    assert (report.points, report.present, report.queries) == (N, 0, 32)
    assert f"{N} points moved" in str(report)
    with Collection.open(place) as copy:
        assert copy.config == source.config
        assert points(copy) == points(source)
        for where in ({"source": "shipping"}, {"open": True}, {"day. 1": {"lt": "2024-03-01"}}, {"tags": ["b", "c"]}):
            assert copy.count(where) == source.count(where) > 0
    with Collection.from_corpus(place, filled(N), replace(gaussian(N), model=MODEL), progress=False) as copy:
        assert copy.count() == N  # and it is known as made of the same corpus


def test_a_move_that_was_cut_short_goes_on(source: Collection, target: Places):
    place = target()
    move(source, place, progress=False)
    with Collection.open(place) as copy:
        copy.delete([f"p{row}" for row in range(100, 200)])
        copy.upsert(replace(gaussian(N, seed=9), model=MODEL).take([5]), filled(N).take([5]), progress=False)
        copy.upsert(replace(gaussian(N), model=MODEL).take([6]), filled(N, seed=1).take([6]), progress=False)
    report = move(source, place, progress=False)
    assert (report.points, report.present) == (102, N - 102)
    with Collection.open(place) as copy:
        assert points(copy) == points(source)
        found = copy.retrieve(["p5"], with_vectors=True)[0].vector
        assert found == pytest.approx(source.retrieve(["p5"], with_vectors=True)[0].vector, rel=1e-4)


def test_another_collection_is_not_written_over(source: Collection, target: Places):
    place = target()
    with Collection.from_corpus(place, filled(9), gaussian(9), progress=False):
        pass
    with pytest.raises(StorageError, match="holds another collection"):
        move(source, place, progress=False)
    with Collection.open(place) as left:
        assert left.count() == 9


def test_points_beyond_the_source_are_told(fresh: Places, target: Places):
    place = target()
    with Collection.create(fresh(), dimensions=8) as source:
        source.upsert(gaussian(5), progress=False)
        with Collection.create(place, dimensions=8) as other:
            other.upsert(gaussian(7), progress=False)
        with pytest.raises(StorageError, match=r"holds 5 points, and .* 7 after the move"):
            move(source, place, progress=False)


def test_an_empty_collection_is_moved_too(fresh: Places, target: Places):
    place = target()
    with Collection.create(fresh(), dimensions=8, metric="dot", fields={"a": "bool"}) as source:
        assert move(source, place, progress=False).points == 0
    with Collection.open(place) as copy:
        assert (copy.config.metric, dict(copy.config.fields), copy.count()) == ("dot", {"a": "bool"}, 0)


@pytest.mark.parametrize("metric", ["dot", "euclidean"])
def test_lengths_are_kept(fresh: Places, target: Places, metric):
    place = target()
    with Collection.create(fresh(), dimensions=8, metric=metric) as source:
        source.upsert(replace(gaussian(40), metric=metric), progress=False)
        assert move(source, place, progress=False).queries == 32
        expected = source.query(gaussian(1, seed=3).array[0], 3)
    with Collection.open(place) as copy:
        found = copy.query(gaussian(1, seed=3).array[0], 3)
    assert [match.id for match in found] == [match.id for match in expected]
    assert all(math.isclose(a.score, b.score, rel_tol=1e-4) for a, b in zip(found, expected, strict=True))
