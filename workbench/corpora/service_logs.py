"""A generator of service logs with planted anomalies and drift, and what masks the variable parts of a line."""

import math
import random
import re
from datetime import UTC, datetime, timedelta

import pandas as pd

from workbench.corpora.log_templates import (
    BURSTS,
    FLOW,
    FOREIGN,
    NEW,
    NORMAL,
    RARE_MESSAGES,
    WRONG_VALUES,
    Template,
    fill,
)
from workbench.errors import InputError
from workbench.records import Corpus

__all__ = ["mask_variables", "service_logs"]

_BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
_GAP_S = 9.0  # seconds between two normal lines on average
_ORDERS = 0.055  # share of normal lines that begin an order; its other three lines follow
_STEPS_S = (0.0, 40.0, 1800.0, 5400.0)  # from order to payment, packing and hand-over, on average
# Of the planted lines, each kind's share; a burst is tens of lines, the rest are single lines or a few together.
_SHARES = {"burst": 0.6, "message": 0.1, "value": 0.1, "flow": 0.1, "foreign": 0.1}
_LINES_PER_BURST = (24, 64)
_FEWEST = 500
_FOREIGN = "foreign"

_Event = tuple[float, str, str, str, str, str, str]  # seconds, service, level, template, message, kind, event
_MASKS = [
    (re.compile(pattern), put)
    for pattern, put in (
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?", "<time>"),
        (r"\b[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d\b", "<time>"),
        (r"\b\d\d:\d\d:\d\d([.,]\d+)?\b", "<time>"),
        (r"\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "<id>"),
        (r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b", "<ip>"),
        (r"\b[a-z][a-z0-9+.-]*://\S+", "<url>"),
        (r"(?<![\w<.:/])(?:/[\w.@+-]+)+/?", "<path>"),
        (r"\b0[xX][0-9a-fA-F]+\b", "<hex>"),
        (r"\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{6,}\b", "<hex>"),
        (r"(?:(?<![\w.])[-+])?\d+(?:[.,]\d+)*", "<num>"),
    )
]


def mask_variables(line: str) -> str:
    """A log line with its variable parts replaced by their kind, so that lines of one template become equal.

    Dates and times become ``<time>``, UUIDs ``<id>``, addresses ``<ip>``, web addresses ``<url>``, absolute paths
    ``<path>``, long hexadecimal words ``<hex>``, and all other digits ``<num>``, also inside a word: ``u4821`` becomes
    ``u<num>``. What a value was is gone: a line whose only fault is an impossible number looks normal afterwards.
    """
    for pattern, put in _MASKS:
        line = pattern.sub(put, line)
    return line


def service_logs(
    lines: int = 20_000, seed: int = 0, anomalies: float = 0.03, clean: float = 0.3, drift: float | None = 0.7
) -> Corpus:
    """A log of the services of an imagined shop: normal lines of 30 templates, five kinds of anomaly, and a release.

    Parameters
    ----------
    lines
        How many, 500 at least.
    seed
        The same seed and settings give the same log.
    anomalies
        Share of lines that are anomalies, in (0, 0.2].
    clean
        Share of the time, from the beginning, in which nothing goes wrong: a history.
    drift
        Share of the time after which a new release words two templates otherwise and writes two new ones, all of
        them normal; None for no release.

    Returns
    -------
    Corpus
        A line a text, in the order of time. Metadata: ``time``, ``service``, ``level``, ``template``; ``anomaly``, its
        kind or ``""``: ``burst`` (a failure that repeats by the dozen), ``message`` (one that was never seen),
        ``value`` (a usual one with a value that cannot be), ``flow`` (a usual line that comes without those that must
        come before), ``foreign`` (a trace of a crash, or another language); ``label``, 1 for an anomaly; ``event``,
        equal for lines of one cause, ``""`` for normal lines; ``drift``, True for a line that only the release writes.

    Raises
    ------
    InputError
        A number out of range.
    """
    if lines < _FEWEST:
        raise InputError(f"{lines:,} lines were asked for", f"Ask for {_FEWEST:,} or more.")
    if not 0 < anomalies <= 0.2:
        raise InputError(f"a share of {anomalies} anomalies was asked for", "Use more than 0, and 0.2 at most.")
    for name, share in (("clean", clean), ("drift", drift)):
        if share is not None and not 0 <= share < 1:
            raise InputError(f"{name}={share} is no share of the time", "Use 0 or more, and less than 1.")
    draw = random.Random(f"service logs {seed}")
    planted = round(lines * anomalies)
    release = math.inf if drift is None else drift * (lines - planted) * _GAP_S
    events = _normal(lines - planted, release, draw)
    last = events[-1][0]
    events += _planted(planted, clean * last, release, events, draw)
    events.sort(key=lambda event: event[0])
    table = pd.DataFrame(events, columns=["time", "service", "level", "template", "text", "anomaly", "event"])
    table["time"] = pd.to_datetime([_BEGIN + timedelta(seconds=at) for at in table["time"]], utc=True)
    table["label"] = (table["anomaly"] != "").astype(int)
    later = {one.name for one in NEW} | {f"{one.name}, reworded" for one in NORMAL if one.later}
    table["drift"] = table["template"].isin(later) & (table["label"] == 0)
    written = ["time", "level", "service", "template", "text"]
    texts = tuple(_line(*row) for row in table[written].itertuples(index=False))
    columns = ["time", "service", "level", "template", "anomaly", "label", "event", "drift"]
    return Corpus(tuple(f"line-{n}" for n in range(1, lines + 1)), texts, table[columns], "service-logs")


def _line(time: pd.Timestamp, level: str, service: str, template: str, message: str) -> str:
    """A line as it stands in the file; those of a crash have nothing in front."""
    if template == _FOREIGN:
        return message
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z {level} {service}: {message}"


def _wordings(release: bool) -> tuple[list[Template], list[float]]:
    """The templates that are in use before or after the release, and their weights."""
    if not release:
        return list(NORMAL), [one.weight for one in NORMAL]
    now = [
        Template(f"{one.name}, reworded", one.service, one.level, one.later, one.weight) if one.later else one
        for one in NORMAL
    ] + list(NEW)
    return now, [one.weight for one in now]


def _normal(count: int, release: float, draw: random.Random) -> list[_Event]:
    """The first ``count`` normal lines, each a little after the one before; orders run on beside them."""
    before, after = _wordings(release=False), _wordings(release=True)
    events: list[_Event] = []
    at, order = 0.0, 50_000
    gap = _GAP_S * (1 + (len(FLOW) - 1) * _ORDERS)
    while len(events) < 1.02 * count + 20 or at < max(event[0] for event in events[-200:]) - 3 * _STEPS_S[-1]:
        at += draw.expovariate(1 / gap)
        if draw.random() < _ORDERS:
            order, then = order + draw.randint(1, 3), at
            for step, template in zip(_STEPS_S, FLOW, strict=True):
                then += draw.expovariate(1 / step) if step else 0.0
                events.append(_event(then, template, draw, order=f"ord-{order}"))
        else:
            templates, weights = after if at >= release else before
            events.append(_event(at, draw.choices(templates, weights)[0], draw))
    return sorted(events)[:count]


def _event(at: float, template: Template, draw: random.Random, kind: str = "", event: str = "", **given: str) -> _Event:
    message = fill(template.pattern, draw, **given)
    return at, template.service, template.level, template.name, message, kind, event


def _planted(count: int, first: float, release: float, normal: list[_Event], draw: random.Random) -> list[_Event]:
    """Exactly ``count`` lines of anomalies from a time on, kind by kind, beside normal lines."""
    found: list[_Event] = []
    last, orders = normal[-1][0], [_order(one) for one in normal if one[3] == FLOW[0].name]
    due = {kind: round(share * count) for kind, share in _SHARES.items()}
    due["burst"] += count - sum(due.values())
    named = {one.name: one for one in (*NORMAL, *FLOW)}
    reworded = {one.name.split(",")[0]: one for one in _wordings(release=True)[0]}
    for kind, wanted in due.items():
        number, made = 0, 0
        while made < wanted:
            number, at, event = number + 1, draw.uniform(first, last), f"{kind}-{number + 1}"
            some: list[_Event] = []
            if kind == "burst":
                template = BURSTS[(number - 1) % len(BURSTS)]
                for _ in range(draw.randint(*_LINES_PER_BURST)):
                    at += draw.expovariate(1 / 2.0)
                    some.append(_event(at, template, draw, kind, event))
            elif kind == "message":
                some = [_event(at, RARE_MESSAGES[(number - 1) % len(RARE_MESSAGES)], draw, kind, event)]
            elif kind == "value":
                name, given = draw.choice(WRONG_VALUES)
                usual = reworded if at >= release else named
                some = [
                    _event(
                        at,
                        usual.get(name, named[name]),
                        draw,
                        kind,
                        event,
                        **{"order": _unseen(orders, at / last, draw), **given},
                    )
                ]
            elif kind == "flow":  # packed or handed over, and never ordered
                some = [_event(at, draw.choice(FLOW[2:]), draw, kind, event, order=_unseen(orders, at / last, draw))]
            else:
                service = draw.choice(["web", "worker", "search", "orders"])
                trace = draw.choice(FOREIGN)
                some = [_event(at, Template(_FOREIGN, service, "", line), draw, kind, event) for line in trace]
                some = [(at + 0.001 * row, *one[1:]) for row, one in enumerate(some)]
            some = some[: wanted - made]
            made += len(some)
            found += some
    return found


def _order(event: _Event) -> int:
    return int(event[4].split()[1].removeprefix("ord-"))


def _unseen(orders: list[int], when: float, draw: random.Random) -> str:
    """A number of an order that was never created, among those of the time: numbers are skipped now and then."""
    at, known = orders[min(int(when * len(orders)), len(orders) - 1)], set(orders)
    return f"ord-{next(number for number in range(at - draw.randint(0, 30), at + 10_000) if number not in known)}"
