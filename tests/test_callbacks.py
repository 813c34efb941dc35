"""An error in a callback is recorded, shown, and raised by the check: never swallowed."""

import pytest

from workbench import callbacks
from workbench.errors import WorkbenchError


def test_a_guarded_error_is_shown_recorded_and_raised_once() -> None:
    shown = []
    with callbacks.guard("search", shown.append):
        raise ValueError("no such word")
    assert [str(error) for error in shown] == ["search: ValueError: no such word"]
    assert callbacks.errors() == tuple(shown)
    with pytest.raises(WorkbenchError, match="1 widget callback failed: search: ValueError: no such word") as raised:
        callbacks.check()
    assert isinstance(raised.value.__cause__, ValueError)
    assert raised.value.__cause__.__traceback__ is not None
    callbacks.check()


def test_an_error_while_showing_is_not_hidden() -> None:
    def broken(error: object) -> None:
        raise RuntimeError("the readout is gone")

    with pytest.raises(RuntimeError, match="readout is gone"), callbacks.guard("search", broken):
        raise ValueError("first")
    with pytest.raises(WorkbenchError, match="ValueError: first"):
        callbacks.check()


def test_stopping_the_kernel_is_no_error() -> None:
    with pytest.raises(KeyboardInterrupt), callbacks.guard("search", print):
        raise KeyboardInterrupt
    assert callbacks.errors() == ()
