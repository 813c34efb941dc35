"""The sweep: recall against latency over many indexes, measured honestly and without waste."""

from workbench.ann.sweeping.folder import open_sweep
from workbench.ann.sweeping.result import TARGETS, SweepResult
from workbench.ann.sweeping.run import sweep

__all__ = ["TARGETS", "SweepResult", "open_sweep", "sweep"]
