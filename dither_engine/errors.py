"""The engine's exceptions."""


class EngineError(ValueError):
    """The input or the options are invalid.

    ``str(error)`` is one sentence for the user: what is wrong and what is allowed.
    It never contains a path, a stack trace or a library's own message.
    """


class UnknownFormat(EngineError):
    """The file is not an image of a supported format."""


class Damaged(EngineError):
    """The file is damaged or truncated."""


class TooLarge(EngineError):
    """The image has more pixels, or a longer side, than is allowed."""
