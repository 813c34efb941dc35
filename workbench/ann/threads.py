"""Thread counts held fixed while something is measured, and put back afterwards."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from threadpoolctl import threadpool_limits

from workbench.errors import InputError

__all__ = ["pinned"]


@contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Hold every thread pool that a search may use to ``threads``, and put each back, whatever happens inside.

    FAISS's own OpenMP, the OpenMP and BLAS pools that threadpoolctl finds, torch and numba, the last two only where
    the program has imported them already. hnswlib has no global count: give ``num_threads`` with each call. The
    threads of Qdrant's engine are not reached. OpenMP counts belong to the calling thread: search in the thread that
    pinned them.

    Raises
    ------
    InputError
        Fewer than one thread.
    """
    if threads < 1:
        raise InputError(f"nothing runs on {threads} threads", "Pin one thread or more.")
    import faiss

    torch, numba = sys.modules.get("torch"), sys.modules.get("numba")
    with ExitStack() as restored:  # put back in the opposite order
        restored.callback(faiss.omp_set_num_threads, faiss.omp_get_max_threads())
        restored.enter_context(threadpool_limits(threads))
        if torch is not None:
            restored.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(threads)
        if numba is not None:
            restored.callback(numba.set_num_threads, numba.get_num_threads())
            numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        faiss.omp_set_num_threads(threads)
        yield
