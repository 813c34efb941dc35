"""From a specification and a database to an index, whatever library it is of."""

from collections.abc import Callable, Mapping

from workbench.ann.indexes.base import Index, threads_set
from workbench.ann.indexes.database import Database
from workbench.ann.indexes.faiss_build import build_faiss
from workbench.ann.indexes.hnswlib_index import build_hnswlib
from workbench.ann.indexes.qdrant_index import build_qdrant
from workbench.ann.specs import IndexSpec, check_spec

__all__ = ["build_index"]

_BUILDERS: Mapping[str, Callable[[IndexSpec, Database], Index]] = {
    "faiss": build_faiss,
    "hnswlib": build_hnswlib,
    "qdrant": build_qdrant,
}


def build_index(spec: IndexSpec, database: Database, *, threads: int | None = None) -> Index:
    """Build an index of the vectors of ``database``.

    Parameters
    ----------
    spec
        The index; its search settings are left aside.
    database
        The vectors, in the metric that they are to be searched by.
    threads
        Threads of the build; None leaves them as they are set. With more than one, graphs differ from build to build.

    Raises
    ------
    InputError
        What ``check_spec`` refuses.
    """
    check_spec(spec.built(), n=database.n, d=database.d, metric=database.metric, k=1)
    with threads_set(threads):
        return _BUILDERS[spec.library](spec.built(), database)
