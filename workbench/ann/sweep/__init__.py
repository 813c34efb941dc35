"""The sweep: recall against latency over many indexes, measured honestly and without waste."""

from workbench.ann.sweep.result import COLUMNS, TARGETS, SweepResult

__all__ = ["COLUMNS", "TARGETS", "SweepResult"]
