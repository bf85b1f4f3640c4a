"""The two kinds of failure that the consumer loop distinguishes."""


class TransientFailure(Exception):
    """Something this work needs is down: retry later, without a limit of attempts."""


class PermanentFailure(Exception):
    """This message can never be processed: it goes to the dead-letter topic."""
