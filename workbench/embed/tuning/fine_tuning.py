"""Fine-tune a sentence model on pairs, once: the same call again finds the model that it made."""

import hashlib
import json
import re
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench import settings
from workbench.embed import loading
from workbench.embed.identity import folder_revision
from workbench.embed.tuning.trainer import train
from workbench.errors import InputError, ModelError, StorageError

__all__ = ["Tuned", "fine_tune"]

_FORMAT = 1  # of the kept folder; raise it when what is saved, or how it is trained, changes
_LIBRARIES = ("torch", "transformers", "sentence-transformers", "accelerate")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_SCRATCH = "tuning-"
_ABANDONED_AFTER = 24 * 3600.0  # seconds
_SPECIAL = 2  # tokens that stand at the ends of a text
_RECORD = "tuning.json"


@dataclass(frozen=True, eq=False)
class Tuned:
    """A fine-tuned model on disk.

    Parameters
    ----------
    folder
        A sentence-transformers model: ``SentenceEncoder(str(tuned.folder))`` loads it. Its name is the model's.
    base, base_revision
        What it was made from: name, and hub commit or content hash.
    pairs
        How many pairs or triples it was taught.
    parameters
        Everything else that decides the weights: epochs, batch size, learning rate, warm-up, seed, library versions.
    history
        A row for each step: ``step`` from 1, ``epoch`` done by then, ``loss`` of its batch, ``seconds`` since it began.
    """

    folder: Path
    base: str
    base_revision: str
    pairs: int
    parameters: Mapping[str, Any] = field(repr=False)
    history: pd.DataFrame = field(repr=False)

    @cached_property
    def revision(self) -> str:
        """SHA-256 of the model's files, 64 hex digits: the revision in the identity of whatever encoder loads it."""
        return folder_revision(self.folder)


def fine_tune(
    pairs: Sequence[Sequence[str]],
    *,
    name: str,
    base: str = "bundled",
    epochs: int = 2,
    batch_size: int = 16,
    learning_rate: float = 2e-5,
    warmup: float = 0.1,
    max_tokens: int | None = None,
    seed: int = 0,
    keep: bool = True,
    progress: bool = False,
) -> Tuned:
    """Teach a model that the texts of a pair belong together and that those of other pairs do not.

    sentence-transformers' own trainer with its MultipleNegativesRankingLoss: in a batch of B pairs, each anchor has to
    pick its positive among the B positives (and the B negatives, of triples) by a softmax over 20 times the cosine.
    The loss of an untaught choice is about log B. No text stands twice in a batch, as it would be its own negative;
    two pairs whose texts differ and mean the same may still meet in one, and are then pushed apart.

    It runs on the CPU, so that a seed gives the same model on one machine (another one may round otherwise), and
    writes nothing but the model. A model is kept under the base's revision, the pairs, all parameters and the
    versions of the libraries: the same call finds it again at once, and a run that was killed leaves none.

    Parameters
    ----------
    pairs
        ``(anchor, positive)`` or ``(anchor, positive, negative)``, all of one length. The anchor is what is asked, the
        positive what should be found, the negative what must not be found though it is near.
    name
        What to call the model: letters, digits, dots, hyphens and underscores, a letter or digit first.
    base
        ``bundled``, a local folder, or a hub id.
    epochs
        Passes over the pairs.
    batch_size
        Pairs in a batch: each has ``batch_size - 1`` negatives from the others.
    learning_rate
        At its peak; it rises during ``warmup``, a share of the steps, and then falls to 0 linearly (AdamW).
    max_tokens
        Cut texts there while training, which is faster; None cuts where the model does. The model that is kept reads
        as far as its base.
    seed
        Of the order of the pairs and of dropout.
    keep
        False trains anew, in a temporary folder that is deleted when the result is no longer in use.
    progress
        Show a bar over the steps.

    Raises
    ------
    InputError
        There are no pairs, or too few different ones for a batch; they are not all pairs or all triples; a text is
        empty or no string; a text is its own positive or negative, or a negative equals the positive; a parameter is
        out of range.
    ModelError
        The base is neither bundled, nor on this machine, nor to be fetched; or the loss ceased to be finite.
    StorageError
        The model cannot be written.

    References
    ----------
    M. Henderson et al., Efficient Natural Language Response Suggestion for Smart Reply, arXiv:1705.00652, section 4.4.
    A. van den Oord, Y. Li, O. Vinyals, Representation Learning with Contrastive Predictive Coding, arXiv:1807.03748.
    """
    rows = _checked(pairs)
    _check_parameters(rows, name, epochs, batch_size, learning_rate, warmup, max_tokens, seed)
    located = loading.locate(base)
    parameters: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": float(learning_rate),
        "warmup": float(warmup),
        "max_tokens": max_tokens,
        "seed": seed,
        **{library: version(library) for library in _LIBRARIES},
    }
    facts = {"base": located.name, "base_revision": located.revision, "pairs": len(rows), "parameters": parameters}
    place = settings.cache_dir("tuned") / _key(name, rows, facts)
    if keep and place.exists():
        return _read(place, name)

    with _scratch(place.parent) as scratch:
        model = loading.load(located, "cpu")
        history = train(
            model, rows, scratch / "trainer", epochs=epochs, batch_size=batch_size, learning_rate=learning_rate,
            warmup=warmup, max_tokens=max_tokens, seed=seed, progress=progress,
        )  # fmt: skip
        if not np.isfinite(history["loss"]).all():
            step = int(history["step"][~np.isfinite(history["loss"])].iloc[0])
            raise ModelError(f"the loss is not finite from step {step} on", f"Lower learning_rate={learning_rate:g}.")
        shutil.rmtree(scratch / "trainer", ignore_errors=True)
        model.save_pretrained(str(scratch / name), create_model_card=False, safe_serialization=True)
        record = json.dumps({**facts, "history": history.to_dict("list")})
        (scratch / _RECORD).write_text(record, encoding="utf-8")
        if keep:
            try:
                scratch.rename(place)
            except OSError:
                if not place.exists():  # else another process trained the same at once, and was first
                    raise
            return _read(place, name)
        own = Path(tempfile.mkdtemp(prefix="workbench-tuned-"))
        try:
            for path in list(scratch.iterdir()):
                shutil.move(path, own / path.name)
            tuned = _read(own, name)
        except BaseException:
            shutil.rmtree(own, ignore_errors=True)
            raise
    weakref.finalize(tuned, shutil.rmtree, own, ignore_errors=True)
    return tuned


def _checked(pairs: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """The pairs or triples as tuples, each with something to teach."""
    rows = [tuple(row) for row in pairs]
    if not rows:
        raise InputError("there are no pairs to learn from", "Pass (anchor, positive) texts that belong together.")
    width = len(rows[0])
    for place, row in enumerate(rows):
        if len(row) != width or width not in (2, 3):
            raise InputError(
                f"pair {place:,} has {len(row)} texts where the first has {width}"
                if len(row) != width
                else f"pair {place:,} has {width} texts",
                "Pass (anchor, positive) or (anchor, positive, negative), all alike.",
            )
        for text in row:
            if not isinstance(text, str) or not text.strip():
                raise InputError(f"pair {place:,} holds {text!r} where a text belongs", "Leave such pairs out.")
        if len(set(row)) < width:
            twice = next(text for text in row if row.count(text) > 1)
            raise InputError(
                f"pair {place:,} holds one text twice, {twice[:60]!r}",
                "Anchor, positive and negative have to differ: a text cannot be told from itself.",
            )
    return rows


def _check_parameters(
    rows: Sequence[tuple[str, ...]],
    name: str,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    warmup: float,
    max_tokens: int | None,
    seed: int,
) -> None:
    """Refuse what cannot be trained before a model is loaded."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"a model cannot be called {name!r}",
            "Use letters, digits, dots, hyphens and underscores, a letter or digit first.",
        )
    if epochs < 1:
        raise InputError(f"{epochs} epochs teach nothing", "Use epochs=1 or more.")
    if batch_size < 2:
        raise InputError(f"a batch of {batch_size} has no negatives", "Use batch_size=2 or more: 16 or 32 is usual.")
    different = min(len({row[column] for row in rows}) for column in (0, 1))
    if different < batch_size:
        raise InputError(
            f"{len(rows):,} pairs, {different:,} without repeats, do not fill a batch of {batch_size}",
            f"Pass more pairs, or batch_size={different}." if different > 1 else "Pass more pairs.",
        )
    if not 0 < learning_rate < 1:
        raise InputError(f"a learning rate of {learning_rate:g} is not between 0 and 1", "2e-5 is usual.")
    if not 0 <= warmup < 1:
        raise InputError(f"a warm-up of {warmup:g} is no share of the steps", "Use 0.1, or 0 for none.")
    if max_tokens is not None and max_tokens <= _SPECIAL:
        raise InputError(f"max_tokens={max_tokens} leaves nothing of a text", "Use 64 or more, or None.")
    if not 0 <= seed < 2**32:
        raise InputError(f"the seed is {seed}", "Give a number from 0 to 4,294,967,295.")


def _key(name: str, rows: Sequence[tuple[str, ...]], facts: Mapping[str, Any]) -> str:
    """Name of the kept folder: everything that decides the weights, and what they are called."""
    said = json.dumps([_FORMAT, name, rows, facts], sort_keys=True)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _read(place: Path, name: str) -> Tuned:
    """What a whole folder holds."""
    try:
        record = json.loads((place / _RECORD).read_text(encoding="utf-8"))
        history = pd.DataFrame(record.pop("history"))
        return Tuned(folder=place / name, history=history, **record)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError(f"the model kept in {place} cannot be read ({error})", "Delete that folder.") from error


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    """A folder beside the kept ones that is gone afterwards, unless it was renamed; old ones of killed runs go too."""
    for leftover in parent.glob(f"{_SCRATCH}*"):
        with suppress(FileNotFoundError):  # another process may clear up too
            if time.time() - leftover.stat().st_mtime > _ABANDONED_AFTER:
                shutil.rmtree(leftover, ignore_errors=True)
    scratch: Path | None = None
    try:
        scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=parent))
        yield scratch
    except OSError as error:
        raise StorageError(f"cannot keep the fine-tuned model in {parent}: {error}", "Free disk space.") from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
