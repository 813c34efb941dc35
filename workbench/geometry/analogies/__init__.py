"""What word vectors know: analogies a : a* :: b : b*, answered and counted; and how alike people find words."""

from workbench.geometry.analogies.evaluation import Evaluation, evaluate
from workbench.geometry.analogies.methods import METHODS, solve
from workbench.geometry.analogies.questions import Questions, google, read_questions
from workbench.geometry.analogies.similarity import SimilarityResult, simlex999, word_similarity, wordsim353

__all__ = [
    "METHODS",
    "Evaluation",
    "Questions",
    "SimilarityResult",
    "evaluate",
    "google",
    "read_questions",
    "simlex999",
    "solve",
    "word_similarity",
    "wordsim353",
]
