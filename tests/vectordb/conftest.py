"""The places of the contract tests."""

from collections.abc import Iterator

import pytest

from tests.vectordb.places import PLACES, Places, clean_up
from workbench.vectordb import Collection


@pytest.fixture(scope="session", autouse=True)
def _tidy() -> Iterator[None]:
    yield
    clean_up()


@pytest.fixture(scope="session", params=list(PLACES))
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Places:
    """A function that gives a place where nothing is yet."""
    folder = tmp_path_factory.mktemp("collections")
    return lambda: PLACES[request.param](folder)


@pytest.fixture
def empty(fresh: Places) -> Iterator[Collection]:
    """An empty collection of 8-dimensional vectors."""
    with Collection.create(fresh(), dimensions=8) as collection:
        yield collection
