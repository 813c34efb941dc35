"""The frozen records of a collection: where it is, how it is laid out, how it is searched, what it answers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal, Self, get_args
from urllib.parse import urlsplit

from workbench.errors import InputError, StorageError
from workbench.records import FloatArray, Metric, ModelIdentity

__all__ = [
    "IMITATION",
    "CollectionConfig",
    "CollectionInfo",
    "FieldType",
    "Layout",
    "Match",
    "Quantization",
    "Search",
    "Server",
    "UpsertReport",
]

FieldType = Literal["keyword", "integer", "float", "bool", "datetime", "text"]
Quantization = Literal["scalar", "product", "binary", "turbo"]
_SERVER_ONLY = ("shard_number", "replication_factor", "write_consistency_factor")
IMITATION = ":memory:"
_NOT_IN_NAMES = set('<>:"/\\|?*')  # of a server's collections
_MADE_BY = 1  # version of what as_dict writes


def _at_least(record: object, least: int, *names: str) -> None:
    """Refuse a count below ``least``."""
    for name in names:
        value = getattr(record, name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
            raise InputError(f"{name}={value!r} is no whole number of {least} or more", f"Give {name}={least} or more.")


@dataclass(frozen=True)
class Layout:
    """How a collection is stored and indexed.

    Parameters
    ----------
    m, ef_construct
        Edges of a node and width of the search while the graph is built; Qdrant's own defaults,
        https://qdrant.tech/documentation/concepts/indexing/.
    payload_m
        Edges of the extra graphs that Qdrant builds for the values of indexed fields; None takes ``m``, 0 builds none.
    full_scan_threshold
        Kilobytes of vectors up to which no graph is built or walked: all are compared.
    quantization
        What the graph is walked with: ``"scalar"`` one byte for a number, ``"product"`` one for four, ``"binary"``
        one bit, ``"turbo"`` four bits after a rotation.
    on_disk
        Leave vectors, graph and payload on disk and read what a query touches.
    shard_number, replication_factor, write_consistency_factor
        Parts, copies of each, and copies that must have a write before it is acknowledged: a server's alone.
    """

    m: int = 16
    ef_construct: int = 100
    payload_m: int | None = None
    full_scan_threshold: int = 10_000
    quantization: Quantization | None = None
    on_disk: bool = False
    shard_number: int = 1
    replication_factor: int = 1
    write_consistency_factor: int = 1

    def __post_init__(self) -> None:
        _at_least(self, 2, "m")
        _at_least(self, 0, "payload_m")
        _at_least(self, 1, "ef_construct", "full_scan_threshold", *_SERVER_ONLY)
        if self.quantization is not None and self.quantization not in get_args(Quantization):
            raise InputError(
                f"there is no quantization {self.quantization!r}",
                f"Choose one of {', '.join(get_args(Quantization))}, or None.",
            )

    def refuse_server_settings(self) -> None:
        """Refuse by name what only a server can do.

        Raises
        ------
        InputError
            One of them is not 1.
        """
        for name in _SERVER_ONLY:
            if getattr(self, name) != 1:
                raise InputError(
                    f"{name}={getattr(self, name)} needs a server; here is one shard and one copy",
                    "Leave it out, or create the collection on a Server.",
                )


@dataclass(frozen=True)
class Search:
    """How a query is answered.

    Parameters
    ----------
    ef
        Width of the walk through the graph; None leaves it to the engine.
    exact
        Compare every vector that passes the filter.
    acorn
        Walk to the neighbours' neighbours where a filter has cut the graph (Patel et al., ACORN, SIGMOD 2024).
    max_selectivity
        With ``acorn``: use it for filters that let at most this share pass; None leaves it to the engine.
    rescore
        Rank quantized candidates again by their full vectors; None leaves it to the engine.
    oversampling
        Candidates taken by their codes for each one asked for, at least 1; None leaves it to the engine.
    ignore_quantization
        Walk with the full vectors.
    """

    ef: int | None = None
    exact: bool = False
    acorn: bool = False
    max_selectivity: float | None = None
    rescore: bool | None = None
    oversampling: float | None = None
    ignore_quantization: bool = False

    def __post_init__(self) -> None:
        _at_least(self, 1, "ef")
        if self.max_selectivity is not None and not 0 < self.max_selectivity <= 1:
            raise InputError(f"max_selectivity={self.max_selectivity!r} is no share", "Give a number from 0 to 1.")
        if self.oversampling is not None and not self.oversampling >= 1:
            raise InputError(f"oversampling={self.oversampling!r} is less than 1", "Give 1 or more.")


def _check_address(url: str) -> None:
    """Refuse what is no address, and one that has a password in it: it would be shown."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and " " not in url
    except ValueError:
        known = False
    if not known:
        raise InputError(f"{url!r} is no address of a server", "Write it like http://localhost:6333.")
    if parts.username or parts.password or parts.query:
        raise InputError("the server's address holds more than the address", "Give a key as Server(api_key=...).")


@dataclass(frozen=True)
class Server:
    """A collection on a Qdrant server or cluster.

    Parameters
    ----------
    url
        Such as ``http://localhost:6333``; ``":memory:"`` is the client's imitation of a server, for contract tests: it
        compares every vector, and forgets when the process ends.
    collection
        The collection's name there.
    api_key
        Never shown.
    grpc, grpc_port
        Talk by gRPC rather than REST, on that port.
    timeout_s
        Seconds that one request may take.
    retries
        Attempts after the first, further and further apart, where the server is down or busy.

    Raises
    ------
    InputError
        No address of a server, a name that no collection may have, or a number out of range.
    """

    url: str
    collection: str
    api_key: str | None = field(default=None, repr=False)
    grpc: bool = False
    timeout_s: float = 10
    retries: int = 5
    grpc_port: int = 6334

    def __post_init__(self) -> None:
        if self.url != IMITATION:
            _check_address(self.url)
        name = self.collection
        if (
            not name
            or name in (".", "..")
            or len(name) > 255
            or not name.isprintable()
            or set(name) & set('<>:"/\\|?*')
        ):
            raise InputError(
                f"a collection cannot be called {name!r}", "Leave out slashes, colons, quotes and the like."
            )
        _at_least(self, 0, "retries")
        _at_least(self, 1, "grpc_port")
        if not 0 < self.timeout_s < float("inf"):
            raise InputError(f"timeout_s={self.timeout_s!r} is no time to wait", "Give seconds, such as 10.")

    def __str__(self) -> str:
        return f"{self.url} ({self.collection})"

    @property
    def is_imitation(self) -> bool:
        """Whether it is in this process, for contract tests."""
        return self.url == IMITATION


@dataclass(frozen=True)
class Match:
    """One point that was found.

    Attributes
    ----------
    id, text, metadata
        As they were put in; a field that had no value is not in ``metadata``.
    score
        Cosine similarity, dot product or Euclidean distance (smaller is better); NaN where nothing was compared.
    vector
        ``(d,) float32`` where it was asked for; under cosine at length 1.
    """

    id: str
    score: float
    text: str
    metadata: Mapping[str, Any]
    vector: FloatArray | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class UpsertReport:
    """What an upsert wrote.

    Attributes
    ----------
    points
        Points written, new or again.
    present
        Points that were there already and were left alone (when a collection that was cut short goes on).
    seconds
        Wall-clock time.
    """

    points: int
    present: int
    seconds: float

    def __str__(self) -> str:
        there = f", {self.present:,} were there" if self.present else ""
        return f"{self.points:,} points written{there} in {self.seconds:.1f} s"


@dataclass(frozen=True)
class CollectionInfo:
    """What a collection holds now.

    Attributes
    ----------
    points
        Points in it.
    indexed
        Vectors in a graph; the others are compared one by one.
    bytes
        Bytes on disk; None where the engine does not tell.
    """

    points: int
    indexed: int
    bytes: int | None = None


@dataclass(frozen=True)
class CollectionConfig:
    """What a collection remembers about itself.

    Parameters
    ----------
    dimensions, metric
        Of its vectors.
    model
        The model that made them, with its prompts; None where nobody knows.
    fields
        Payload indexes: the fields whose filters and facets are quick.
    columns
        Type of every metadata field that was ever put in, indexed or not.
    layout
        How it is stored.
    source
        Fingerprint of the corpus and vectors that it was made from, "" where it was filled by hand.
    """

    dimensions: int
    metric: Metric = "cosine"
    model: ModelIdentity | None = None
    fields: Mapping[str, FieldType] = field(default_factory=dict)
    columns: Mapping[str, FieldType] = field(default_factory=dict)
    layout: Layout = field(default_factory=Layout)
    source: str = ""

    def __post_init__(self) -> None:
        _at_least(self, 1, "dimensions")
        if self.metric not in get_args(Metric):
            raise InputError(f"there is no metric {self.metric!r}", f"Choose one of {', '.join(get_args(Metric))}.")
        for name, kind in self.fields.items():
            if kind not in get_args(FieldType):
                raise InputError(
                    f"the field {name!r} cannot be indexed as {kind!r}",
                    f"Choose one of {', '.join(get_args(FieldType))}.",
                )
        object.__setattr__(self, "fields", MappingProxyType(dict(self.fields)))
        object.__setattr__(self, "columns", MappingProxyType({**self.columns, **self.fields}))

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        values["fields"], values["columns"] = dict(self.fields), dict(self.columns)
        values["model"] = None if self.model is None else asdict(self.model)
        values["layout"] = asdict(self.layout)
        return {"version": _MADE_BY, **values}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The configuration that ``as_dict`` gave.

        Raises
        ------
        StorageError
            It was written by another version, or is damaged.
        """
        try:
            given = dict(values)
            version = given.pop("version")
            if version != _MADE_BY:
                raise StorageError(
                    f"the collection's settings are of version {version!r}, not {_MADE_BY}", "Create it anew."
                )
            given["model"] = None if given["model"] is None else ModelIdentity(**given["model"])
            given["layout"] = Layout(**given["layout"])
            return cls(**given)
        except (KeyError, TypeError, ValueError, AttributeError, InputError) as error:
            raise StorageError(f"the collection's settings cannot be read: {error}", "Create it anew.") from error
