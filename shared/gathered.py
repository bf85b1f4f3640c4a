"""Handle concurrent calls of several threads together, as one batch.

Calls that arrive while a batch is being handled wait and form the next batch. A call that arrives
when nothing is being handled starts at once, as a batch of one.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from shared.failures import TransientFailure

Item = TypeVar("Item")
Result = TypeVar("Result")


class Gathered(Generic[Item, Result]):
    """Call it with an item from any thread: it returns or raises the outcome for that item.

    ``handle`` takes a batch and returns a result for each item, in their order; if it raises, it
    must have had no effect. Batches run one after another, each in one of the waiting threads.
    """

    def __init__(self, handle: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        self._handle = handle
        self._waiting: queue.SimpleQueue[tuple[Item, Future[Result]]] = queue.SimpleQueue()
        self._turn = threading.Lock()

    @property
    def waiting(self) -> int:
        """The number of calls that are in no batch yet."""
        return self._waiting.qsize()

    def __call__(self, item: Item) -> Result:
        future: Future[Result] = Future()
        self._waiting.put((item, future))
        with self._turn:
            if not future.done():  # else another thread has handled this item in its batch
                self._settle([self._waiting.get() for _ in range(self.waiting)])
        return future.result()

    def _settle(self, batch: Sequence[tuple[Item, Future[Result]]]) -> None:
        try:
            results = self._handle([item for item, _ in batch])
        except BaseException as error:  # noqa: BLE001 - whoever waits for the future gets it
            if len(batch) == 1 or isinstance(error, TransientFailure):
                for _, future in batch:
                    future.set_exception(error)
            else:  # one bad item must not make the others fail
                for one in batch:
                    self._settle([one])
        else:
            for (_, future), result in zip(batch, results, strict=True):
                future.set_result(result)
