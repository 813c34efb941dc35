"""Maps of two or three dimensions: PCA, t-SNE, and UMAP over exact neighbours."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from workbench.corpora import as_vectors_array
from workbench.errors import InputError
from workbench.geometry.kept_maps import keep_map, kept_map, tsne_path, umap_path
from workbench.geometry.metrics import larger_is_better, normalize
from workbench.geometry.neighbours import exact_neighbours
from workbench.geometry.tsne_layout import check_tsne, lay_out_tsne, usable_perplexity
from workbench.geometry.umap_layout import check_umap, finish_warm_up, lay_out, start_warm_up, with_self_first
from workbench.records import FloatArray, Metric, Neighbours, Vectors

__all__ = ["pca_map", "project", "warm_up_projection"]


def project(
    vectors: ArrayLike | Vectors,
    method: Literal["umap", "tsne", "pca"] = "umap",
    dimensions: Literal[2, 3] = 2,
    *,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    metric: Metric | None = None,
    seed: int = 0,
    perplexity: float = 30.0,
    epochs: int | None = None,
    neighbours: Neighbours | None = None,
    cache: bool = True,
    progress: bool = True,
) -> FloatArray:
    """Place vectors on a map: a picture to explore, not a space to measure in.

    UMAP is umap-learn's, with two choices of our own. It is given the exact neighbours instead of those that
    pynndescent would approximate, and whose search takes most of a first call. And it starts from PCA instead of a
    spectral embedding, which keeps as many neighbourhoods, copes with vectors that fall into unconnected groups, and
    gives the same map for the same seed. t-SNE is scikit-learn's (Barnes-Hut), started from PCA too and run on one
    thread, since with several the same seed gives another map. PCA is scikit-learn's.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers, or Vectors.
    method
        ``"umap"`` and ``"tsne"`` keep neighbourhoods, ``"pca"`` the directions of largest variance.
    dimensions
        2 or 3.
    n_neighbors
        UMAP: the size of a neighbourhood, the vector itself counted as umap-learn does; ``n`` where there are fewer.
    min_dist
        UMAP: the distance on the map that near neighbours keep, 0 to 1.
    metric
        ``"cosine"`` or ``"euclidean"``; None takes that of Vectors, and cosine for numbers. For PCA and
        t-SNE, cosine scales the vectors to unit length first. A dot product is no distance: PCA takes the vectors as
        they are, UMAP and t-SNE refuse it.
    seed
        Of the layout's random numbers.
    perplexity
        t-SNE: the effective number of neighbours of a vector, 1 or more; a third of the other vectors where there are
        fewer than three times as many.
    epochs
        UMAP: passes of the layout, 1 or more; None takes umap-learn's own, 500 for up to 10,000 vectors and 200 for
        more. A layout takes time in proportion.
    neighbours
        UMAP: neighbours of every row among all rows under ``metric``, if they are known already, at least
        ``n_neighbors - 1`` beside the row itself.
    cache
        Keep a UMAP or t-SNE map of Vectors on disk, under the vectors' fingerprint and every setting, and hand it back
        when all are the same again. A file that cannot be read is made anew.
    progress
        Show a bar while UMAP lays the map out; scikit-learn's t-SNE tells nobody how far it is.

    Returns
    -------
    FloatArray
        ``(n, dimensions) float32``, finite.

    Raises
    ------
    InputError
        A setting outside its range, or neighbours that do not belong to the vectors.
    VectorError
        Vectors that cannot be used.
    StorageError
        The map cannot be written to the cache.

    References
    ----------
    L. McInnes, J. Healy, J. Melville, UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction,
    arXiv:1802.03426. D. Kobak, G. C. Linderman, Initialization is critical for preserving global data structure in
    both t-SNE and UMAP, Nature Biotechnology 39 (2021). L. van der Maaten, Accelerating t-SNE using Tree-Based
    Algorithms, JMLR 15 (2014).
    """
    if metric is None:
        metric = vectors.metric if isinstance(vectors, Vectors) else "cosine"
    array = as_vectors_array(vectors.array if isinstance(vectors, Vectors) else vectors, metric)
    if dimensions not in (2, 3):
        raise InputError(f"a map of {dimensions!r} dimensions cannot be drawn", "Use 2 or 3.")
    if not 0 <= seed < 2**32:
        raise InputError(f"the seed {seed!r} is out of range", "Use a whole number from 0 to 4,294,967,295.")
    larger_is_better(metric)  # refuses an unknown one
    if method == "pca":
        return pca_map(array, dimensions, metric, seed)
    if method == "umap":
        check_umap(n_neighbors, min_dist, metric, epochs)
    elif method == "tsne":
        check_tsne(perplexity, metric)
    else:
        raise InputError(f"there is no projection {method!r}", "Use 'umap', 'tsne' or 'pca'.")
    if len(array) == 1:
        return np.zeros((1, dimensions), dtype=np.float32)
    n_neighbors, perplexity = min(n_neighbors, len(array)), usable_perplexity(perplexity, len(array))

    def compute() -> FloatArray:
        start = pca_map(array, dimensions, metric, seed)
        if method == "tsne":
            return lay_out_tsne(normalize(array) if metric == "cosine" else array, start, perplexity, seed)
        known = neighbours or exact_neighbours(array, array, n_neighbors - 1, metric, exclude_self=True)
        ids, distances = with_self_first(known, len(array), n_neighbors, metric)
        finish_warm_up()
        return lay_out(ids, distances, start, min_dist, seed, epochs, progress=progress)

    if not (cache and isinstance(vectors, Vectors)):
        return compute()
    if method == "tsne":
        path = tsne_path(vectors, dimensions, perplexity, metric, seed)
    else:
        path = umap_path(vectors, dimensions, n_neighbors, min_dist, metric, seed, epochs, neighbours)
    kept = kept_map(path)
    return keep_map(path, compute()) if kept is None else kept


def warm_up_projection() -> None:
    """Compile UMAP's code in a background thread, while vectors are still being encoded.

    Returns at once, and does nothing when called again. ``project`` waits for it, and raises the error that it met.
    """
    start_warm_up()


def pca_map(array: FloatArray, dimensions: int, metric: Metric, seed: int) -> FloatArray:
    """The first principal components; columns of zeros where the data have fewer."""
    from sklearn.decomposition import PCA

    rows = normalize(array) if metric == "cosine" else array
    flat = np.zeros((len(rows), dimensions), dtype=np.float32)
    if (rows == rows[0]).all():  # nothing varies: there are no components
        return flat
    found = min(dimensions, *rows.shape)
    flat[:, :found] = PCA(found, random_state=seed).fit_transform(rows)
    return flat
