"""The doctor tells what is there, what is missing and what is broken, and how to mend it."""

import json
import os
from importlib import metadata
from pathlib import Path

import psutil
import pytest

from tests.tiny_encoder import TinyEncoder
from workbench import doctor, embed
from workbench.doctor import Checkup, Finding


def found(name: str) -> Finding:
    """One finding of a whole check."""
    return next(finding for finding in doctor.check().findings if finding.name == name)


def test_every_finding_is_of_a_known_kind_and_those_that_are_not_ok_say_what_to_do() -> None:
    checkup = doctor.check()
    names = [finding.name for finding in checkup.findings]
    assert names == [
        "python", "packages", "model", "cores", "threads", "memory", "cpu", "gpu", "home", "cache", "browser", "hub",
    ]  # fmt: skip
    for finding in checkup.findings:
        assert finding.value
        assert bool(finding.fix) == (finding.status != "ok"), finding


def test_what_it_tells_is_true_here() -> None:
    findings = {finding.name: finding for finding in doctor.check().findings}
    assert findings["packages"].data["versions"]["torch"] == metadata.version("torch")
    assert findings["packages"].data["versions"]["pystemmer"] == metadata.version("PyStemmer")
    assert 1 <= findings["cores"].data["usable"] <= psutil.cpu_count()
    assert findings["memory"].data["total_bytes"] == psutil.virtual_memory().total
    assert findings["model"].data["verified"] is True
    assert findings["home"].data["path"] == os.environ["WORKBENCH_HOME"]
    assert findings["threads"].data["torch"] >= 1


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "not asked: HF_HUB_OFFLINE is 1"),
        ({"HF_HUB_OFFLINE": "true"}, "not asked: HF_HUB_OFFLINE is true"),
        ({"TRANSFORMERS_OFFLINE": "YES"}, "not asked: TRANSFORMERS_OFFLINE is YES"),
        ({"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}, "asked when"),
        ({}, "asked when"),
    ],
    ids=str,
)
def test_whether_the_hub_is_asked(monkeypatch: pytest.MonkeyPatch, names: dict[str, str], says: str) -> None:
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    finding = doctor._hub()
    assert finding.value.startswith(says)
    assert finding.data["offline"] == says.startswith("not")


def test_it_is_one_json_object() -> None:
    checkup = Checkup((Finding("a", "x"), Finding("b", "y", "missing", "Get it.", {"n": 1})))
    assert json.loads(json.dumps(checkup.as_dict())) == {
        "ok": True,
        "findings": {
            "a": {"value": "x", "status": "ok", "fix": "", "data": {}},
            "b": {"value": "y", "status": "missing", "fix": "Get it.", "data": {"n": 1}},
        },
    }


def test_a_fix_stands_below_what_it_mends() -> None:
    lines = Checkup((Finding("model", "there"), Finding("hub", "not there", "missing", "Get it."))).lines()
    assert [line.split() for line in lines] == [
        ["ok", "model", "there"],
        ["missing", "hub", "not", "there"],
        ["->", "Get", "it."],
    ]


@pytest.mark.parametrize(("status", "ok"), [("ok", True), ("warning", True), ("missing", True), ("broken", False)])
def test_only_what_is_broken_is_not_ok(status: doctor.Status, ok: bool) -> None:
    assert Checkup((Finding("a", "x"), Finding("b", "y", status, "Mend it."))).ok is ok


def test_a_damaged_model_is_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(doctor, "verify_bundled_model", lambda: embed.verify_bundled_model(tmp_path))
    finding = found("model")
    assert finding.status == "broken"
    assert "SHA-256" in finding.value and "make setup" in finding.fix


def test_a_home_that_cannot_be_made_is_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "file" / "home"))
    checkup = doctor.check()
    assert not checkup.ok
    assert {f.name for f in checkup.findings if f.status == "broken"} == {"home", "cache"}


def test_a_damaged_cache_is_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    index = tmp_path / "cache" / "vectors" / "index.sqlite"
    index.parent.mkdir(parents=True)
    index.write_bytes(b"no database " * 100)
    finding = found("cache")
    assert finding.status == "broken"
    assert "damaged" in finding.value and finding.fix


def test_the_cache_is_told_by_kind_and_by_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    encoder = TinyEncoder()
    embed.embed(["one", "two", "three"], encoder)
    finding = found("cache")
    assert finding.data["models"] == [
        {"key": encoder.identity.key, "name": "tiny-words", "entries": 3, "bytes": 3 * 64 * 4}
    ]
    assert finding.data["kinds"]["vectors"] == finding.data["bytes"] > 3 * 64 * 4
    assert f"{encoder.identity.key}: 3 vectors of tiny-words" in finding.value


def test_without_a_browser_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    finding = found("browser")
    assert (finding.status, finding.data) == ("missing", {"path": None})
    assert "apt-get install chromium" in finding.fix


def test_a_package_that_is_not_installed_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: ["faiss-cpu", "no-such-package>=1", 'x; extra == "dev"'])
    finding = found("packages")
    assert (finding.status, finding.data["absent"]) == ("broken", ["no-such-package"])


def test_a_version_that_was_not_tested_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.0.1" if name == "plotly" else real(name))
    finding = found("packages")
    assert finding.status == "warning"
    assert "plotly 0.0.1 (tested: " in finding.value


def test_little_memory_and_little_disk_are_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_LOW_MEMORY", 2**60)
    monkeypatch.setattr(doctor, "_LOW_DISK", 2**60)
    checkup = doctor.check()
    assert {f.name for f in checkup.findings if f.status == "warning"} == {"memory", "home"}
    assert checkup.ok
