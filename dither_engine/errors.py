"""The engine's exceptions."""


class EngineError(ValueError):
    """The input or the options cannot be worked with.

    ``str(error)`` is one sentence for the person who asked: what is wrong and what is allowed.
    It never holds a path, a stack trace or a library's own message.
    """


class UnknownFormat(EngineError):
    """The file is no image of a format that is read."""


class Damaged(EngineError):
    """The file is damaged or cut short."""


class TooLarge(EngineError):
    """The image has more pixels, or a longer side, than is allowed."""
