"""ProbeView: what is lit is what the index read, and each true neighbour is said to be found, unread or beaten."""

import numpy as np
import pytest

from workbench import ann, callbacks, geometry
from workbench.errors import InputError, VectorError
from workbench.view import ProbeView

N, Q, K = 600, 12, 10
rng = np.random.default_rng(0)
VECTORS, QUERIES = np.split(rng.normal(size=(N + Q, 16)).astype(np.float32), [N])
AT, ASKED_AT = VECTORS[:, :2], QUERIES[:, :2]
NAMES = {"texts": [f"<b>row {row}</b>" for row in range(N)], "query_texts": [f"ask {q} <img src=x>" for q in range(Q)]}


@pytest.fixture(scope="module", params=["cosine", "dot", "euclidean"])
def database(request):
    return ann.Database(VECTORS, request.param)


@pytest.fixture(autouse=True)
def no_leftovers():
    yield
    callbacks.check()


def probed(database, kind="IVF16,Flat", **settings):
    index = ann.build_index(ann.IndexSpec.parse(kind), database, threads=1)
    return index, ProbeView(AT, index, QUERIES, ASKED_AT, k=K, **settings)


def test_what_is_lit_is_what_the_index_reads_and_finds(database):
    index, view = probed(database, **NAMES)
    truth = geometry.exact_neighbours(database.prepare(QUERIES), database.array, K, database.metric).ids
    sizes = []
    for q in (3, 7):
        view.query.value = q
        for nprobe in (1, 4, 16):
            view.nprobe.value = nprobe
            found = index.search(database.prepare(QUERIES[q : q + 1]), K, (("nprobe", nprobe),))[0]
            marks = view.map.marks
            assert set(marks["true"]) == set(truth[q]) & set(found)
            assert set(marks["hit"]) == set(truth[q]) - set(found)
            assert set(marks["false"]) == set(found) - set(truth[q]) - {-1}
            assert marks["query"].tolist() == [N]
            assert len(view.map._lines) == len(marks["hit"])
            assert view.recall == pytest.approx(len(marks["true"]) / K)
            sizes.append(len(marks["scanned"]))
            assert f"<b>{sizes[-1]:,}</b> of {N:,} vectors compared" in view._status.value
    assert sizes[0] < sizes[1] < sizes[2] == N and view.recall == 1


def test_a_missed_neighbour_says_which_nprobe_reaches_it(database):
    _, view = probed(database)
    missed = view.map.marks["hit"]
    assert len(missed), "one list of sixteen does not hold all"
    named = {int(label.rows[0]): label.text for label in view.map.labels if label.text.startswith("nprobe")}
    assert set(named) == set(missed)
    assert [label.text.split()[0] for label in view.map.labels] == ["nprobe"] * len(missed) + ["list"]  # room first
    row, needed = next((row, int(text.split()[1])) for row, text in named.items())
    view.nprobe.value = needed - 1
    assert row in view.map.marks["hit"] and "not read" in view._list.value
    view.nprobe.value = needed
    assert row in view.map.marks["true"]


def test_what_codes_lose_is_told_from_what_was_not_read(database):
    _, view = probed(database, "IVF16,PQ4x4", nprobe=16, **NAMES)
    assert len(view.map.marks["scanned"]) == N and len(view.map.marks["hit"])
    assert "read, and beaten by what looks nearer in codes" in view._status.value
    assert "by its code" in view._list.value and "not read" not in view._list.value
    assert "<b>row" not in view._list.value and "<img" not in view._list.value


@pytest.mark.parametrize("kind", ["IVF4,Flat", "IVF4,PQ1x4", "IVF4,PQ4x4,RFlat"])
def test_what_became_of_each_neighbour_is_what_attribution_says(database, kind):
    called = {"nprobe": "unread", "distorted": "beaten", "tie": "tied", "refine": "beaten"}
    index, view = probed(database, kind)
    truth = geometry.exact_neighbours(database.prepare(QUERIES), database.array, K, database.metric)
    said, due = [], []
    for nprobe in (1, 3):
        view.nprobe.value = nprobe
        each = ann.attribute(index, database.prepare(QUERIES), truth, (("nprobe", nprobe),)).each
        due += list(zip(each["query"], each["row"], each["cause"].map(called), strict=True))
        for q in range(Q):
            view.query.value = q
            fates = [(q, row, view._fate(row, rank)[0]) for row, rank in zip(view.truth, view._ranks[q], strict=True)]
            said += [fate for fate in fates if fate[2] != "found"]
    assert sorted(said) == sorted(due)
    assert ("tied" in {fate[2] for fate in said}) == (kind == "IVF4,PQ1x4")


def test_candidates_that_are_checked_again(database):
    _, coarse = probed(database, "IVF16,PQ4x4,RFlat", nprobe=16, search=(("k_factor", 2),))
    _, fine = probed(database, "IVF16,PQ4x4,RFlat", nprobe=16, search=(("k_factor", 60),))
    assert coarse.recall < fine.recall == 1
    assert "by its code, and 20 were compared again" in coarse._list.value and "missed" not in fine._list.value


def test_what_it_cannot_show():
    database = ann.Database(VECTORS, "cosine")
    index = ann.build_index(ann.IndexSpec.parse("IVF40,Flat"), database, threads=1)
    with pytest.raises(InputError, match="no lists"):
        ProbeView(AT, ann.build_index(ann.IndexSpec("Flat"), database), QUERIES, ASKED_AT)
    with pytest.raises(VectorError, match=r"Pass \(600, 2\)"):
        ProbeView(AT[1:], index, QUERIES, ASKED_AT)
    with pytest.raises(VectorError, match=r"Pass \(12, 2\)"):
        ProbeView(AT, index, QUERIES, ASKED_AT[1:])
    with pytest.raises(InputError, match="1 texts for 600 vectors"):
        ProbeView(AT, index, QUERIES, ASKED_AT, texts=["a"])
    with pytest.raises(InputError, match="no step 17"):
        ProbeView(AT, index, QUERIES, ASKED_AT, nprobe=17)
    assert ProbeView(AT, index, QUERIES, ASKED_AT, nprobe=20).nprobe.options[-1] == ("40", 40)
