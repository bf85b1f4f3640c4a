"""The two ways a piece of work can fail, as the consumer loop tells them apart."""


class TransientFailure(Exception):
    """Something this work needs is down: try again later, for as long as it takes."""


class PermanentFailure(Exception):
    """This message can never be processed: it goes to the dead-letter topic."""
