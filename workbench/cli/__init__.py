"""The command line: it reads arguments, calls the rooms, and prints; it computes nothing itself.

``--json`` prints one JSON object on standard output and nothing else; progress, warnings and logs go to standard
error. Exit status 0 is success; 2 is bad input, with one line that says what and how to mend it. Rooms are imported
inside the verbs: ``workbench --help`` must not wait for them.
"""

from workbench.cli.commands import app, main, run

__all__ = ["app", "main", "run"]
