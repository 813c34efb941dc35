"""The sweep: recall against latency over many indexes, measured honestly and without waste."""

from workbench.ann.sweep.folder import open_sweep
from workbench.ann.sweep.result import TARGETS, SweepResult
from workbench.ann.sweep.run import sweep

__all__ = ["TARGETS", "SweepResult", "open_sweep", "sweep"]
