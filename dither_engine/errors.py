"""The engine's one exception."""


class EngineError(ValueError):
    """The input or the options cannot be worked with.

    ``str(error)`` is one sentence for the person who asked: what is wrong and what is allowed.
    It never holds a path, a stack trace or a library's own message.
    """
