"""Word vectors: one vector for each word, whatever it means where it stands."""

from workbench.embed.words.bundled import bundled
from workbench.embed.words.downloads import download
from workbench.embed.words.files import WordFileWarning, read
from workbench.embed.words.kept import Trained
from workbench.embed.words.static import StaticVectors
from workbench.embed.words.training import tokenize, train

__all__ = ["StaticVectors", "Trained", "WordFileWarning", "bundled", "download", "read", "tokenize", "train"]
