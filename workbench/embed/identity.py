"""Which model made these vectors, and the refusal to let two models' vectors meet."""

import hashlib
from dataclasses import fields
from pathlib import Path

from workbench.errors import IdentityError
from workbench.records import ModelIdentity

__all__ = ["check_identity", "folder_revision"]

_UNREAD = {".md", ".png", ".jpg", ".jpeg", ".gif", ".svg"}


def check_identity(queries: ModelIdentity | None, vectors: ModelIdentity | None) -> None:
    """Refuse a search whose queries and vectors were made by different models.

    Vectors without an identity (from a file that names no model) cannot be checked and pass.

    Raises
    ------
    IdentityError
        The identities differ; the message names both and the first fields in which they differ.
    """
    if queries is None or vectors is None or queries == vectors:
        return
    differing = [
        f"{field.name} {getattr(queries, field.name)!r} against {getattr(vectors, field.name)!r}"
        for field in fields(ModelIdentity)
        if getattr(queries, field.name) != getattr(vectors, field.name)
    ]
    raise IdentityError(
        f"the query comes from {queries} and the vectors from {vectors}: {'; '.join(differing[:3])}",
        "Encode both with the same model and settings; scores between two models mean nothing.",
    )


def folder_revision(folder: Path) -> str:
    """SHA-256 over the names and contents of a model folder's files, as 64 hex digits.

    Left out is what no model reads: hidden files, Markdown and pictures.
    """
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        inside = path.relative_to(folder)
        if path.suffix.lower() in _UNREAD or any(part.startswith(".") for part in inside.parts):
            continue
        digest.update(f"{inside.as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
