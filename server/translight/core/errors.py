"""Every error that Translight raises on purpose.

::

    TranslightError
    ├── ProtocolError    a datagram or message breaks its wire format
    ├── FormatError      a file breaks its format, lies about its counts or passes a limit
    ├── BackendError     a renderer cannot open or run on this machine
    ├── ShowError        a show file or a command-line value is not allowed
    ├── StreamError      a sender or receiver cannot open, or the other end speaks another version
    ├── ReconstructionError  photographs cannot become an environment: too few, no overlap, no room for the result
    ├── GenerationError  a brief is not allowed, a model cannot be used, or a candidate cannot be made
    ├── MissingExtra     an optional dependency is not installed
    └── StuckThreadError a thread did not end before its deadline

Bad arguments to a function raise ``ValueError``; ``assert`` is for invariants. The command line prints any of
these as one line (what, where, what would be right) and exits non-zero.
"""


class TranslightError(Exception):
    """Base of every error that Translight raises on purpose."""


class ProtocolError(TranslightError):
    """A datagram or message breaks its wire format."""


class FormatError(TranslightError):
    """A file breaks its format, lies about its counts, or passes a limit."""


class BackendError(TranslightError):
    """A renderer cannot open or run on this machine."""


class ShowError(TranslightError):
    """A show file or a command-line value is not allowed."""


class StreamError(TranslightError):
    """A sender or receiver cannot open, or the other end speaks another version."""


class ReconstructionError(TranslightError):
    """Photographs cannot become an environment: too few, no overlap, no memory or disk for the result."""


class GenerationError(TranslightError):
    """A brief is not allowed, a model or file cannot be used, or a candidate cannot be made of them."""


class MissingExtra(TranslightError):  # noqa: N818 - reads as what it says
    """An optional dependency is not installed; the message holds the line that installs it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} is not installed: pip install "translight[{extra}]"')
        self.extra = extra


class StuckThreadError(TranslightError):
    """A thread did not end before its deadline."""
