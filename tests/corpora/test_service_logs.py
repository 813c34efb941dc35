"""Generated service logs: as many lines as asked, anomalies of five kinds where they may be, and a release."""

import re
from collections import Counter

import numpy as np
import pytest

from workbench import corpora
from workbench.errors import InputError

LOG = corpora.load("service-logs", lines=6_000, seed=3)
TABLE = LOG.metadata


def test_the_log_is_what_was_asked_for() -> None:
    assert len(LOG) == 6_000 and TABLE["label"].sum() == 180
    assert TABLE["time"].is_monotonic_increasing
    assert list(TABLE.columns) == ["time", "service", "level", "template", "anomaly", "label", "event", "drift"]
    assert ((TABLE["anomaly"] != "") == (TABLE["label"] == 1)).all() and (
        (TABLE["event"] != "") == TABLE["label"]
    ).all()
    assert Counter(TABLE["anomaly"])["burst"] == 108
    assert {kind: n for kind, n in Counter(TABLE["anomaly"]).items() if kind not in ("", "burst")} == dict.fromkeys(
        ("message", "value", "flow", "foreign"), 18
    )
    normal = TABLE[TABLE["label"] == 0]
    assert normal["template"].nunique() >= 30 and normal["service"].nunique() >= 8
    assert {"ERROR", "WARN"} <= set(normal["level"]), "the level does not give anomalies away"


def test_the_same_seed_gives_the_same_log_and_another_another() -> None:
    again, other = (corpora.load("service-logs", lines=6_000, seed=seed) for seed in (3, 4))
    assert again.fingerprint == LOG.fingerprint != other.fingerprint
    assert set(LOG.texts) != set(other.texts)


def test_the_first_part_is_a_history_of_normal_lines() -> None:
    first = int(np.flatnonzero(TABLE["label"])[0])
    assert 0.25 < first / len(LOG) < 0.4
    all_over = corpora.load("service-logs", lines=2_000, clean=0).metadata
    assert np.flatnonzero(all_over["label"])[0] < 200


def test_bursts_repeat_and_hardly_change() -> None:
    bursts = TABLE[TABLE["anomaly"] == "burst"]
    for event, rows in bursts.groupby("event"):
        masked = {corpora.mask_variables(LOG.texts[row]) for row in rows.index}
        assert len(masked) == 1, event
        assert (rows["time"].max() - rows["time"].min()).total_seconds() < 600
    assert bursts.groupby("event").size().iloc[0] >= 24


def test_a_line_that_breaks_the_flow_reads_like_any_other_and_its_order_was_never_created() -> None:
    def order(row: int) -> str:
        return re.search(r"ord-\d+", LOG.texts[row])[0]

    created = {order(row) for row in TABLE.index[TABLE["template"] == "order_created"]}
    broken = TABLE.index[TABLE["anomaly"] == "flow"]
    assert len(broken) and not created & {order(row) for row in broken}
    shape = re.compile(r"order <num>|order ord-<num> (packed at \w+ by u<num>|handed to \w+, parcel <hex>)")
    assert all(shape.search(corpora.mask_variables(LOG.texts[row])) for row in broken)
    numbers = [int(order(row)[4:]) for row in broken]
    assert min(numbers) > 49_900, "the number does not give it away"


def test_a_release_rewords_and_adds_and_none_does_not() -> None:
    late = TABLE[TABLE["drift"]]
    assert set(late["template"]) == {"request, reworded", "cache_hit, reworded", "recommended", "flag"}
    assert late.index.min() / len(LOG) > 0.6 and (late["label"] == 0).all()
    after = TABLE.loc[late.index.min() :]
    assert not {"request", "cache_hit"} & set(after.loc[after["anomaly"] == "", "template"])
    assert not corpora.load("service-logs", lines=2_000, drift=None).metadata["drift"].any()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"lines": 10}, "10 lines were asked for. Ask for 500"),
        ({"anomalies": 0.5}, "a share of 0.5 anomalies"),
        ({"clean": 1.0}, "clean=1.0 is no share"),
        ({"drift": -1}, "drift=-1 is no share"),
        ({"length": 3}, "Its options: lines, seed, anomalies, clean, drift"),
    ],
)
def test_what_cannot_be_made(options: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        corpora.load("service-logs", **options)


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("2026-03-02T04:12:09.123Z INFO a: 3 of 40, 12.5 %", "<time> INFO a: <num> of <num>, <num> %"),
        ("2026-03-02 04:12:09,123 x", "<time> x"),
        ("Mar  2 04:12:09 host sshd[812]: ok", "<time> host sshd[<num>]: ok"),
        ("job 26b111b7-0dfd-4be2-adac-1c66f2b5b217 of u4821", "job <id> of u<num>"),
        ("from 10.0.3.4:8080 in 3ms", "from <ip> in <num>ms"),
        ("GET /product/12/x?id=3 and /var/log/a.log", "GET <path>?id=<num> and <path>"),
        ("read/write and/or 1/2", "read/write and/or <num>/<num>"),
        ("see https://a.b/c?d=1 now", "see <url> now"),
        ("parcel a5e42613d953, key 0xFF, deadbeef", "parcel <hex>, key <hex>, deadbeef"),
        ("total -18,840.00 EUR, 5-7 days", "total <num> EUR, <num>-<num> days"),
        ("nothing to do", "nothing to do"),
        ("", ""),
    ],
)
def test_variable_parts_are_masked(line: str, masked: str) -> None:
    assert corpora.mask_variables(line) == masked
    assert corpora.mask_variables(masked) == masked


def test_masking_makes_lines_of_one_template_equal() -> None:
    raw, masked = len(set(LOG.texts)), {corpora.mask_variables(text) for text in LOG.texts}
    assert raw > 0.99 * len(LOG) and len(masked) < 0.25 * len(LOG)
    assert not any(re.search(r"\d", text) for text in masked)
