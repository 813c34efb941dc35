"""Word analogies a : a* :: b : b*: answered, counted, and the question's own words allowed or not."""

from workbench.geometry.analogies.evaluation import Evaluation, evaluate
from workbench.geometry.analogies.methods import METHODS, solve
from workbench.geometry.analogies.questions import Questions, google, read_questions

__all__ = ["METHODS", "Evaluation", "Questions", "evaluate", "google", "read_questions", "solve"]
