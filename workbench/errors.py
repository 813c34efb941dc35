"""The one error tree: what was wrong, the offending value, how to mend it.

WorkbenchError
+-- InputError         a file, a column, a text or a number that cannot be used
|   +-- VectorError    vectors that cannot be used: ragged, NaN, zero, wrong dimension
+-- ModelError         a model that is missing, damaged, or not the one it should be
|   +-- IdentityError  vectors of two different models were about to meet
+-- StorageError       a cache or an output that cannot be read or written
"""

__all__ = ["IdentityError", "InputError", "ModelError", "StorageError", "VectorError", "WorkbenchError"]


class WorkbenchError(Exception):
    """Anything a person can mend.

    Parameters
    ----------
    what
        What was wrong, with the offending value in it: one clause, no full stop.
    fix
        How to mend it: one sentence, shown after ``what``.
    """

    def __init__(self, what: str, fix: str = "") -> None:
        self.what = what
        self.fix = fix
        super().__init__(f"{what}. {fix}" if fix else what)

    def __reduce__(self) -> tuple[type["WorkbenchError"], tuple[str, str]]:
        """Pickle by the two parts, so that an error survives the trip from a worker process."""
        return type(self), (self.what, self.fix)


class InputError(WorkbenchError):
    """A file, a column, a text or a number that cannot be used."""


class VectorError(InputError):
    """Vectors that cannot be used: ragged, NaN or infinite, zero under cosine, of the wrong dimension."""


class ModelError(WorkbenchError):
    """A model that is missing, damaged, or not the one it should be."""


class IdentityError(ModelError):
    """Vectors of two different model identities were about to meet."""


class StorageError(WorkbenchError):
    """A cache or an output that cannot be read or written."""
