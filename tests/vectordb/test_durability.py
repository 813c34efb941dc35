"""Writers that are killed: nothing acknowledged is lost, and the report sees it where something is."""

import numpy as np
import pytest

from workbench.errors import InputError, StorageError
from workbench.records import Vectors
from workbench.vectordb import Collection, durability, kill_while_writing


def test_nothing_acknowledged_is_lost(tmp_path):
    report = kill_while_writing(tmp_path / "shelf", kills=2, batch=20)
    assert report.kills == 2 and report.lost == 0 and report.torn == 0
    assert report.present >= report.acknowledged >= 20 * (4 + 5)
    with Collection.open(tmp_path / "shelf") as collection:
        assert collection.count() == report.present


def test_a_loss_and_a_torn_point_would_be_seen(tmp_path, monkeypatch):
    def careless(folder, first, batch, batches):
        with Collection.open(folder) as collection:
            numbers = list(range(first, first + batch))
            array = np.stack([durability.numbered_vector(number) for number in numbers])
            array[-1] = array[0]
            written = Vectors(tuple(map(str, numbers)), array)
            collection.upsert(written.take(range(1, batch)), progress=False)
        return first + batch

    monkeypatch.setattr(durability, "_killed", careless)
    report = kill_while_writing(tmp_path / "shelf", kills=1, batch=10)
    assert (report.acknowledged, report.present, report.lost, report.torn) == (10, 9, 1, 1)


def test_a_writer_that_cannot_open_the_collection_says_why(tmp_path):
    Collection.create(tmp_path / "shelf", dimensions=32).close()
    with Collection.open(tmp_path / "shelf"), pytest.raises(StorageError, match=r"ended by itself.*Storage"):
        durability._killed(tmp_path / "shelf", 0, 10, 2)
    with pytest.raises(StorageError, match="collection"):
        kill_while_writing(tmp_path / "shelf")
    with pytest.raises(InputError, match="kills=0"):
        kill_while_writing(tmp_path / "other", kills=0)
