"""What an HNSW search knows on the bottom layer: whom to expand next, and the best so far, as each library keeps them.

Where distances are equal, what is expanded first depends on where an entry stands in its heap. Vectors that occur more
than once, and codes of few bits, have equal distances, so the heaps are kept as the libraries lay them out.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left, insort

__all__ = ["ENOUGH", "EXHAUSTED", "FaissFront", "Front", "HnswlibFront", "Known"]

EXHAUSTED = "candidates exhausted"
ENOUGH = "ef nearer ones known"

Known = tuple[float, int]  # distance, row


class Front(ABC):
    """Candidates and results of one search; distances are smaller = nearer.

    Attributes
    ----------
    ends
        Why ``pop`` had no more to expand; empty until then.
    """

    ends = ""

    @abstractmethod
    def offer(self, rows: list[int], distances: list[float]) -> list[bool]:
        """Take note of distances one after another; False for those that come too late to change anything."""

    @abstractmethod
    def pop(self) -> Known | None:
        """Take the nearest candidate to expand it; None where the search ends."""

    @abstractmethod
    def candidates(self) -> list[Known]:
        """Those that are still to be expanded, nearest first."""

    @abstractmethod
    def results(self) -> list[Known]:
        """What is kept of the best, nearest first."""

    def answer(self) -> list[Known]:
        """The ``k`` that are returned, in the order of the library; the search is over after it."""
        return self.results()

    @abstractmethod
    def worst(self) -> float:
        """Distance of the last of the results; NaN until there are as many as are wanted."""


class FaissFront(Front):
    """As FAISS has it: the ``k`` best, and apart from them a heap of at most ``max(ef, k)``, expanded ones included.

    When the heap is full, the farthest makes room for whatever is nearer: candidates are forgotten. The search ends
    when all in the heap are expanded or, with ``k`` over ``ef``, when ``ef`` of them are nearer than the candidate
    taken. This is ``MinimaxHeap`` and ``search_from_candidates`` of FAISS 1.15 (faiss/impl/HNSW.cpp), with its order
    among equal distances: by row, upwards for Euclidean distances and downwards for inner products; of candidates, the
    last in the heap.
    """

    def __init__(self, k: int, ef: int, larger_rows_first: bool) -> None:
        self._k, self._ef = k, ef
        self._size = max(ef, k)
        self._sign = -1 if larger_rows_first else 1
        self._expanded = -self._sign  # stands in an entry for its row: FAISS writes -1
        self._heap: list[list[float]] = []  # entries [distance, row * sign], the farthest first
        self._live: list[list[float]] = []  # entries not expanded, ascending
        self._best: list[tuple[float, int]] = []  # ascending

    def offer(self, rows: list[int], distances: list[float]) -> list[bool]:
        """Take note of distances; False for those that find no room in the heap."""
        heap, size = self._heap, self._size
        return [
            (len(heap) < size or distance < heap[0][0]) and self._take(row, distance)
            for row, distance in zip(rows, distances, strict=True)
        ]

    def _take(self, row: int, distance: float) -> bool:
        best, heap, tie = self._best, self._heap, row * self._sign
        if len(best) < self._k:
            insort(best, (distance, tie))
        elif distance < best[-1][0]:
            best.pop()
            insort(best, (distance, tie))
        if len(heap) == self._size:
            self._drop_farthest()
        entry: list[float] = [distance, tie]
        heap.append(entry)
        at = len(heap) - 1
        while at and entry > (above := heap[parent := (at - 1) >> 1]):
            heap[at] = above
            at = parent
        heap[at] = entry
        insort(self._live, entry)
        return True

    def pop(self) -> Known | None:
        """Take the nearest candidate, unless ``ef`` are nearer."""
        if not self._live:
            self.ends = ENOUGH if len(self._heap) == self._size else EXHAUSTED
            return None
        nearest = self._live.pop(0)
        distance = nearest[0]
        if self._live and self._live[0][0] == distance:
            first = nearest
            nearest = next(e for e in reversed(self._heap) if e[0] == distance and e[1] != self._expanded)
            if nearest is not first:
                del self._live[bisect_left(self._live, nearest)]
                self._live.insert(0, first)
        row = int(nearest[1]) * self._sign
        nearest[1] = self._expanded
        if self._k > self._ef and sum(entry[0] < distance for entry in self._heap) >= self._ef:
            self.ends = ENOUGH
            return None
        return distance, row

    def candidates(self) -> list[Known]:
        """Those in the heap that were not expanded."""
        return [(distance, int(tie) * self._sign) for distance, tie in self._live]

    def results(self) -> list[Known]:
        """The ``k`` best, in the order in which FAISS returns them."""
        return [(distance, tie * self._sign) for distance, tie in self._best]

    def worst(self) -> float:
        """Distance of the k-th."""
        return self._best[-1][0] if len(self._best) == self._k else float("nan")

    def _drop_farthest(self) -> None:
        heap = self._heap
        size, last, at = len(heap), heap[-1], 0
        if heap[0][1] != self._expanded:
            del self._live[bisect_left(self._live, heap[0])]
        while (child := 2 * at + 1) < size:
            if child + 1 < size and not heap[child] > heap[child + 1]:
                child += 1
            if last > heap[child]:
                break
            heap[at] = heap[child]
            at = child
        heap[at] = last
        heap.pop()


class HnswlibFront(Front):
    """As hnswlib has it: the ``max(ef, k)`` best, and a heap of candidates without bound.

    What is nearer than the last of the best becomes a candidate; the search ends when the nearest candidate is farther
    than it. This is ``searchBaseLayerST`` of hnswlib 0.8 (hnswlib/hnswalg.h), its heaps those of the C++ library.
    """

    def __init__(self, k: int, ef: int) -> None:
        self._k, self._size = k, max(ef, k)
        self._best = _Heap()
        self._open = _Heap()

    def offer(self, rows: list[int], distances: list[float]) -> list[bool]:
        """Take note of distances; False where ``ef`` others are as near."""
        best, size = self._best.entries, self._size
        return [
            (len(best) < size or best[0][0] > distance) and self._take(row, distance)
            for row, distance in zip(rows, distances, strict=True)
        ]

    def _take(self, row: int, distance: float) -> bool:
        self._open.push((-distance, row))
        self._best.push((distance, row))
        if len(self._best.entries) > self._size:
            self._best.pop()
        return True

    def pop(self) -> Known | None:
        """Take the nearest candidate, unless all of the best are nearer."""
        if not self._open.entries:
            self.ends = EXHAUSTED
            return None
        if -self._open.entries[0][0] > self._best.entries[0][0]:
            self.ends = ENOUGH
            return None
        distance, row = self._open.pop()
        return -distance, row

    def candidates(self) -> list[Known]:
        """Those that were not expanded, many of which never will be."""
        return sorted((-distance, row) for distance, row in self._open.entries)

    def results(self) -> list[Known]:
        """The ``ef`` best; ``answer`` are those that are returned."""
        return sorted(self._best.entries)

    def answer(self) -> list[Known]:
        """The ``k`` best, in the order in which hnswlib returns them; the search is over after it."""
        while len(self._best.entries) > self._k:
            self._best.pop()
        return sorted(self._best.entries)

    def worst(self) -> float:
        """Distance of the ef-th."""
        return self._best.entries[0][0] if len(self._best.entries) == self._size else float("nan")


class _Heap:
    """``std::priority_queue`` of libstdc++ on the first of each pair alone, the largest on top."""

    def __init__(self) -> None:
        self.entries: list[Known] = []

    def push(self, entry: Known) -> None:
        self.entries.append(entry)
        self._rise(len(self.entries) - 1, entry)

    def pop(self) -> Known:
        entries = self.entries
        top, last = entries[0], entries.pop()
        size = len(entries)
        if not size:
            return top
        at = 0
        while (right := 2 * at + 2) < size:  # the hole sinks to a leaf, whatever the last one is
            child = right - 1 if entries[right][0] < entries[right - 1][0] else right
            entries[at] = entries[child]
            at = child
        if right == size:
            entries[at] = entries[right - 1]
            at = right - 1
        self._rise(at, last)
        return top

    def _rise(self, at: int, entry: Known) -> None:
        entries = self.entries
        while at and entries[(at - 1) >> 1][0] < entry[0]:
            entries[at] = entries[(at - 1) >> 1]
            at = (at - 1) >> 1
        entries[at] = entry
