"""The command itself: its verbs in the order of its help, and how a run ends."""

import sys
import warnings
from collections.abc import Sequence

import typer

from workbench.cli.anomalies import anomalies
from workbench.cli.duplicates import duplicates
from workbench.cli.inspection import explain
from workbench.cli.machine import check, lab
from workbench.cli.maps import map_
from workbench.cli.output import leave_quietly, say
from workbench.cli.passages import embed
from workbench.cli.searching import search
from workbench.cli.sweeps import sweep
from workbench.cli.words import analogy
from workbench.errors import WorkbenchError

__all__ = ["app", "main", "run"]

_INTERRUPTED = 130  # what typer makes of Ctrl-C

app = typer.Typer(
    name="workbench",
    help="Embeddings and vector search, measured honestly. FILE is a CSV, TSV, JSONL, Parquet, text or log file, a "
    "folder, or a built-in corpus such as wikipedia.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command()(lab)
app.command()(check)
app.command()(embed)
app.command()(search)
app.command()(duplicates)
app.command(name="map")(map_)
app.command()(analogy)
app.command()(sweep)
app.command()(explain)
app.command()(anomalies)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; only a bug in the workbench raises."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: say(f"warning: {message}")
        try:
            status = app(list(arguments) or ["--help"], prog_name="workbench", standalone_mode=False)
            if status == _INTERRUPTED:
                say("interrupted; what was encoded is in the cache, and what was measured in the sweep's folder")
            return status if isinstance(status, int) else 0
        except typer.TyperException as error:
            command = getattr(getattr(error, "ctx", None), "command_path", "workbench")
            say(f"{error.format_message().rstrip('.')}. See `{command} --help`.")
        except WorkbenchError as error:
            say(error)
        except BrokenPipeError:
            leave_quietly()
            return 0
        except OSError as error:
            say(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    return 2


def main() -> None:
    """Entry point of the ``workbench`` command."""
    sys.exit(run(sys.argv[1:]))
