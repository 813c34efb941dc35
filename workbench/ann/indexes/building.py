"""From a specification and a database to an index, whatever library it is of."""

from workbench.ann.indexes.base import Index, threads_set
from workbench.ann.indexes.database import Database
from workbench.ann.specs import IndexSpec, check_spec

__all__ = ["build_index"]


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
        from workbench.ann.indexes.faiss_build import build_faiss

        return build_faiss(spec, database)
