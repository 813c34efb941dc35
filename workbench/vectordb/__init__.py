"""Vector databases: one Collection over Qdrant's embedded engine, a server or a cluster, and filtered search measured."""

__all__: list[str] = []
