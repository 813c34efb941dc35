"""One Collection over Qdrant: the embedded engine, a server or a cluster by URL; filtered search measured."""

__all__: list[str] = []
