"""The built-in support tickets: customers' mails and chats, and which of them report the same incident."""

import itertools

from workbench import settings
from workbench.corpora.json_lines import json_lines
from workbench.corpora.rows import corpus_from_rows
from workbench.records import Corpus

__all__ = ["support_tickets"]

_PARTS = ("part1.jsonl", "part2.jsonl")  # devices, deliveries and repairs; accounts, money, business and music


def support_tickets() -> Corpus:
    """Tickets that a shop's customers wrote, some of them about the same thing: what a search for duplicates must find.

    Returns
    -------
    Corpus
        One ticket a text. Metadata: ``incident`` (tickets that share it are duplicates: one agent could close them
        together), ``channel`` (``"email"``, ``"chat"``, ``"phone"``, ``"app"``), ``product`` (a device, or what else it
        is about, such as ``"billing"``), ``customer``, ``opened`` (minute, ISO 8601), ``near_miss`` (id of a ticket of
        another incident that this one was written to resemble; empty for most).

    Raises
    ------
    InputError
        A file in the data folder was changed and is malformed.
    """
    folder = settings.data_dir() / "support-tickets"
    rows = itertools.chain.from_iterable(json_lines(folder / part) for part in _PARTS)
    return corpus_from_rows(rows, source=folder, name="support-tickets", text="text", id="id")
