"""Quantized collections measured: codes lose what rescoring brings back, at the bytes that they should have."""

import numpy as np
import pytest

from tests.vectordb.clouds import QUERIES, VECTORS, D, N
from workbench import vectordb
from workbench.errors import InputError


@pytest.fixture(scope="module")
def table():
    return vectordb.measure_quantized(VECTORS, QUERIES, oversampling=4, ef=128, rounds=1, progress=False)


def value(table, quantization, rescoring, column):
    return table[(table["quantization"] == quantization) & (table["rescoring"] == rescoring)][column].item()


def test_every_quantization_has_its_rows_and_columns_are_explained(table):
    assert list(table.columns) == list(vectordb.QUANTIZED_COLUMNS)
    assert len(table) == 1 + 2 * (len(vectordb.QUANTIZATIONS) - 1)
    assert (table["timed"] == len(QUERIES)).all() and (table["p50_us"] > 0).all()
    assert (table["recall_low"] <= table["recall"]).all() and (table["recall"] <= table["recall_high"]).all()
    assert (table.loc[~table["rescoring"], "oversampling"] == 1).all()


def test_rescoring_brings_back_what_codes_lose_and_one_bit_loses_most(table):
    assert value(table, "none", False, "recall") > 0.98
    alone = {name: value(table, name, False, "recall") for name in vectordb.QUANTIZATIONS}
    assert alone["none"] > alone["scalar"] > alone["turbo"] > alone["binary"]
    for name in ("scalar", "product", "turbo", "binary"):
        assert value(table, name, True, "recall") > value(table, name, False, "recall_high"), name


def test_bytes_on_disk_grow_by_the_codes(table):
    plain = value(table, "none", False, "disk_bytes")
    assert plain > 4 * N * D
    codes = {name: value(table, name, False, "disk_bytes") - plain for name in ("scalar", "turbo", "binary")}
    assert N * D <= codes["scalar"] < 2 * N * D
    assert codes["scalar"] > codes["turbo"] > codes["binary"] > N * D / 8


def test_where_it_is_kept_changes_no_answer():
    kept = vectordb.measure_quantized(
        VECTORS, QUERIES, quantizations=["scalar"], placements=list(vectordb.PLACEMENTS), rounds=1, progress=False
    )
    both = kept.pivot(index="rescoring", columns="placement", values="recall")
    np.testing.assert_allclose(both, both[["memory"]].to_numpy().repeat(3, axis=1), atol=0.02)
    assert kept["resident_bytes"].isna().all() or (kept["resident_bytes"] > 0).all()


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ("no quantization 'half'", {"quantizations": ["half"]}),
        ("no placement was asked", {"placements": []}),
        ("oversampling=0.5", {"oversampling": 0.5}),
    ],
)
def test_what_cannot_be_measured_is_refused(said, change):
    with pytest.raises(InputError, match=said):
        vectordb.measure_quantized(VECTORS, QUERIES, progress=False, **change)
