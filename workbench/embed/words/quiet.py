"""gensim without its log: what it warns of is checked and said by whoever calls it; what it raises is raised."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_gensim"]


@contextmanager
def quiet_gensim() -> Iterator[None]:
    """Keep gensim from writing to the log, and set it back after."""
    log = logging.getLogger("gensim")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)
