"""Errors inside widget callbacks: recorded and shown, never swallowed.

Jupyter prints an exception of a widget's callback where nobody looks, and Run All passes. So every callback of the
workbench runs inside :func:`guard`, and a notebook's last cell calls :func:`check`, which raises what was recorded.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from workbench.errors import WorkbenchError

__all__ = ["CallbackError", "check", "errors", "guard", "record"]


@dataclass(frozen=True)
class CallbackError:
    """One exception that a callback raised.

    Parameters
    ----------
    where
        What the person was doing: ``"search"``, ``"lasso"``.
    error
        The exception, with its traceback.
    """

    where: str
    error: Exception = field(compare=False)

    def __str__(self) -> str:
        return f"{self.where}: {type(self.error).__name__}: {self.error}"


_recorded: list[CallbackError] = []


def errors() -> tuple[CallbackError, ...]:
    """Every callback error recorded in this kernel since the last :func:`check`, oldest first."""
    return tuple(_recorded)


def record(where: str, error: Exception) -> CallbackError:
    """Record an error of a callback, so that :func:`check` raises."""
    entry = CallbackError(where, error)
    _recorded.append(entry)
    return entry


@contextmanager
def guard(where: str, show: Callable[[CallbackError], object]) -> Iterator[None]:
    """Run the body of a callback; an exception is recorded and handed to ``show``, which tells the person."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  nothing above a callback would report it
        show(record(where, error))


def check() -> None:
    """Raise if the callback of any widget failed since the last check; the record then starts afresh.

    Raises
    ------
    WorkbenchError
        Names every failure; the first exception is its cause, with the traceback.
    """
    failed = errors()
    _recorded.clear()
    if failed:
        listed = "; ".join(str(entry) for entry in failed)
        raise WorkbenchError(
            f"{len(failed)} widget callback{'s' if len(failed) > 1 else ''} failed: {listed}",
            "The traceback above is that of the first.",
        ) from failed[0].error
