"""A first map, in a fresh process each: ``geometry.project`` against umap-learn's own call with the same seed.

Cold is with an empty folder of compiled code, as on the day of installation: half of umap-learn's time is the target.
Warm is with a full one, as on every later day: a third is. The whole process counts, imports included. Both take
umap-learn's own number of epochs. A third row gives umap-learn our exact neighbours: what is left of its time then is
its spectral start, its layout, and code that it compiles in every process.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn.manifold import trustworthiness

from tests.benchmarks.data import clustered
from tests.benchmarks.timing import arguments, report, rotate, save

N, D, SEED = 4_800, 384, 0
EXACT = """
import warnings; import numpy as np
from umap import UMAP; from workbench.geometry import exact_neighbours
warnings.filterwarnings("ignore", message="precomputed_knn")  # it has no index to place new points: none come
near = exact_neighbours(x, x, 14, exclude_self=True)
ids = np.hstack([np.arange(len(x))[:, None], near.ids])
distances = np.hstack([np.zeros((len(x), 1), np.float32), np.maximum(1 - near.scores, 0)])
known = (ids, distances)
flat = UMAP(metric='cosine', precomputed_knn=known, random_state={seed}, n_jobs=1).fit_transform(x)
"""
PROGRAMS = {
    "umap-learn": "from umap import UMAP; flat = UMAP(metric='cosine', random_state={seed}, n_jobs=1).fit_transform(x)",
    "umap-learn, exact precomputed_knn": EXACT,
    "workbench": "from workbench.geometry import project; flat = project(x, seed={seed}, progress=False)",
}
PROGRAM = "import numpy as np; x = np.load({vectors!r})\n{project}\nnp.save({flat!r}, flat)"


def fresh_process(name: str, folder: Path, compiled: Path | None) -> float:
    """Seconds of a process that imports, maps the vectors and ends; ``compiled`` None is an empty folder of its own."""
    program = PROGRAM.format(
        vectors=str(folder / "vectors.npy"), flat=str(folder / f"{name}.npy"), project=PROGRAMS[name].format(seed=SEED)
    )
    with tempfile.TemporaryDirectory() as empty:
        environment = os.environ | {"NUMBA_CACHE_DIR": str(compiled or empty)}
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], env=environment, check=True)
        return time.perf_counter() - start


def quality(folder: Path, vectors: np.ndarray) -> str:
    """Trustworthiness of the last map of each, on the same vectors."""
    scores = {
        n: trustworthiness(vectors, np.load(folder / f"{n}.npy"), n_neighbors=15, metric="cosine") for n in PROGRAMS
    }
    return "Trustworthiness at 15 neighbours: " + ", ".join(f"{name} {score:.4f}" for name, score in scores.items())


def main(argv: Sequence[str] | None = None) -> None:
    parser = arguments((__doc__ or "").splitlines()[0], rounds=3)
    parser.add_argument("--only", choices=["cold", "warm"], help="one of the two tables")
    options: argparse.Namespace = parser.parse_args(argv)
    vectors = clustered(N, D)
    reports = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        np.save(folder / "vectors.npy", vectors)

        def contender(name: str, compiled: Path | None) -> Callable[[], float]:
            return lambda: fresh_process(name, folder, compiled)

        if options.only != "warm":
            times = rotate({name: contender(name, None) for name in PROGRAMS}, options.rounds)
            title = f"First map of {N:,} x {D}, a fresh process each, no compiled code yet (cold)"
            reports.append(report(title, times, "umap-learn", ["Target: 0.50 or less.", quality(folder, vectors)]))
        if options.only != "cold":
            for name in PROGRAMS:
                fresh_process(name, folder, folder / name)
            times = rotate({name: contender(name, folder / name) for name in PROGRAMS}, options.rounds)
            title = f"First map of {N:,} x {D}, a fresh process each, compiled code on disk (warm)"
            reports.append(report(title, times, "umap-learn", ["Target: 0.33 or less.", quality(folder, vectors)]))
    save(reports, options.json)


if __name__ == "__main__":
    main()
