"""t-SNE by scikit-learn, started from PCA and held to one thread, so that a seed gives one map."""

import numpy as np

from workbench.errors import InputError
from workbench.records import FloatArray, Metric

__all__ = ["check_tsne", "lay_out_tsne", "usable_perplexity"]

_START = 1e-4  # scikit-learn's: standard deviation of the first coordinate of a start
_JITTER = 0.01  # of that, in normal noise: no two points coincide, and every seed has a map of its own
_NEIGHBOURS_PER_PERPLEXITY = 3  # Barnes-Hut t-SNE looks at so many of each point (van der Maaten 2014, section 3)


def check_tsne(perplexity: float, metric: Metric) -> None:
    """Refuse settings that give no t-SNE map.

    Raises
    ------
    InputError
        A perplexity below 1, since it counts neighbours, or a metric that is no distance.
    """
    if metric == "dot":
        raise InputError(
            "t-SNE needs a distance, and 'dot' is none: a vector's largest dot product need not be with itself",
            "Choose metric='cosine' (directions alone) or 'euclidean', or method='pca'.",
        )
    if not 1 <= perplexity < float("inf"):
        raise InputError(
            f"perplexity={perplexity!r} is not a number from 1 on", "It counts effective neighbours; 30 is usual."
        )


def usable_perplexity(perplexity: float, n: int) -> float:
    """``perplexity``, or what ``n`` vectors have neighbours for: a third of the others, and at least 1."""
    return max(1.0, min(float(perplexity), (n - 1) / _NEIGHBOURS_PER_PERPLEXITY))


def lay_out_tsne(rows: FloatArray, start: FloatArray, perplexity: float, seed: int) -> FloatArray:
    """Coordinates of every row by ``sklearn.manifold.TSNE``'s defaults but for ``start``, under Euclidean distance.

    Parameters
    ----------
    rows
        ``(n, d) float32``, two at least.
    start
        ``(n, dimensions)``: where the layout begins, on any scale; scikit-learn's ``init="pca"`` for a PCA map.
    perplexity
        Below ``n``.
    seed
        Of the noise on the start, the only random numbers there are.

    Returns
    -------
    FloatArray
        ``(n, dimensions) float32``.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    random = np.random.RandomState(seed)
    extent = float(start[:, 0].std())
    placed = start * (_START / extent) if extent > 0 else random.normal(scale=_START, size=start.shape)
    placed = placed + random.normal(scale=_START * _JITTER, size=start.shape)
    model = TSNE(start.shape[1], perplexity=perplexity, init=placed.astype(np.float32), random_state=random)
    with threadpool_limits(1):  # its gradient adds up what the threads did in the order in which they end
        return np.ascontiguousarray(model.fit_transform(rows), dtype=np.float32)
