"""Every error that Penchant raises for a user's mistake or a hostile input.

::

    PenchantError
    ├── SettingsError      a setting, argument or option that makes no sense     (ValueError)
    ├── DataError          ratings or side tables that cannot be used            (ValueError)
    ├── SourceError        a file, set or host that cannot be read               (OSError)
    │   └── ChecksumError  what arrived is not what was published
    ├── BundleError        a saved recommender that is damaged or not ours       (ValueError)
    ├── UnknownIdError     an id that this model does not know                   (LookupError)
    ├── NotFittedError     a model used before `fit`                             (RuntimeError)
    ├── DivergedError      training left the finite numbers                      (RuntimeError)
    ├── UnsupportedError   this recommender cannot do that                       (RuntimeError)
    ├── ConflictError      a key of a write that came before with another one    (RuntimeError)
    ├── UnavailableError   a server's log that cannot be reached or written now  (OSError)
    └── MissingExtraError  an optional dependency is not installed               (ImportError)

Each message says what was wrong, what was received and what to do. On the command line the first
six end with exit code 2 (wrong usage or bad input), the others with 1.
"""

from typing import Any, ClassVar


class PenchantError(Exception):
    """The root of the tree: ``except PenchantError`` catches all of them."""

    exit_code: ClassVar[int] = 1


class SettingsError(PenchantError, ValueError):
    """A setting, argument or option that makes no sense."""

    exit_code = 2


class DataError(PenchantError, ValueError):
    """Ratings or side tables that cannot be used."""

    exit_code = 2


class SourceError(PenchantError, OSError):
    """A file, named set or host that cannot be read."""

    exit_code = 2


class ChecksumError(SourceError):
    """What arrived is not what was published."""


class BundleError(PenchantError, ValueError):
    """A saved recommender that is damaged, not ours, or newer than this version."""

    exit_code = 2


class UnknownIdError(PenchantError, LookupError):
    """An id that this model does not know, where an answer needs to know it."""

    exit_code = 2


class NotFittedError(PenchantError, RuntimeError):
    """A model that was used before ``fit``."""


class DivergedError(PenchantError, RuntimeError):
    """Training left the finite numbers; the last good state is kept.

    Attributes:
        last_good: what the solver had fitted before it diverged, or None.
    """

    last_good: Any = None


class UnsupportedError(PenchantError, RuntimeError):
    """Something that a recommender of another kind can do; the message says which."""


class ConflictError(PenchantError, RuntimeError):
    """An idempotency key that was used before for something else."""


class UnavailableError(PenchantError, OSError):
    """The log of a server cannot be reached or written now; the message says why."""


class MissingExtraError(PenchantError, ImportError):
    """An optional dependency is not installed; the message names the extra."""
