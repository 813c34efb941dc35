"""One process that lays out UMAP maps for another one: tasks come in on standard input, maps go to disk.

A seeded layout runs on one thread, and numba's threads must not be entered twice at a time, so maps are made side by
side in processes. They are started as ``python -m workbench.geometry.map_worker``, which neither runs the caller's
script again, as multiprocessing would, nor inherits its threads.
"""

import json
import os
import sys
from pathlib import Path
from typing import IO

import numpy as np

from workbench.geometry.kept_maps import keep_map
from workbench.geometry.umap_layout import lay_out

__all__ = ["serve"]


def serve(tasks: IO[str], answers: IO[str]) -> None:
    """Lay out one map for each line of ``tasks``, keep it, and answer ``done``, until the lines end.

    A line is a JSON object: ``inputs``, an ``.npz`` of ``ids``, ``distances`` and ``start``; ``n_neighbors``,
    ``min_dist``, ``seed`` and ``epochs``; and ``out``, where the map is kept.
    """
    for line in tasks:
        task = json.loads(line)
        with np.load(task["inputs"]) as inputs:
            ids, distances, start = (inputs[name] for name in ("ids", "distances", "start"))
        k = task["n_neighbors"]
        near, far = np.ascontiguousarray(ids[:, :k]), np.ascontiguousarray(distances[:, :k])
        keep_map(Path(task["out"]), lay_out(near, far, start, task["min_dist"], task["seed"], task["epochs"]))
        answers.write("done\n")
        answers.flush()


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "w") as pipe:
        os.dup2(2, 1)  # whatever a library prints is no answer
        serve(sys.stdin, pipe)
