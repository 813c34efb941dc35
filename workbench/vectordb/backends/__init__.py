"""The engines behind a collection, chosen by the place it is in."""

from pathlib import Path

from workbench.errors import InputError
from workbench.vectordb.backends.base import Backend, Found, StoredPoint
from workbench.vectordb.backends.folder import CONFIG_FILE
from workbench.vectordb.records import CollectionConfig, Server

__all__ = ["Backend", "Found", "Place", "StoredPoint", "as_place", "create_backend", "holds_collection", "open_backend"]

Place = Path | str | Server


def as_place(place: Place) -> Path | Server:
    """A folder's absolute path, or the server."""
    if isinstance(place, Server):
        return place
    if isinstance(place, str) and place.startswith(("http://", "https://")):
        raise InputError(f"{place!r} is a server's address", f"Name its collection too: Server({place!r}, 'NAME').")
    return Path(place).expanduser().resolve()


def holds_collection(place: Path | Server) -> bool:
    """Whether there is a collection, whole or damaged."""
    if isinstance(place, Server):
        from workbench.vectordb.backends.client import ClientBackend

        return ClientBackend.exists(place)
    return (place / CONFIG_FILE).exists()


def create_backend(place: Path | Server, config: CollectionConfig) -> Backend:
    """A new collection; heavy imports happen here."""
    if isinstance(place, Server):
        from workbench.vectordb.backends.client import ClientBackend

        return ClientBackend.create(place, config)
    from workbench.vectordb.backends.embedded import EmbeddedBackend

    return EmbeddedBackend.create(place, config)


def open_backend(place: Path | Server) -> Backend:
    """The collection that is there."""
    if isinstance(place, Server):
        from workbench.vectordb.backends.client import ClientBackend

        return ClientBackend.open(place)
    from workbench.vectordb.backends.embedded import EmbeddedBackend

    return EmbeddedBackend.open(place)
