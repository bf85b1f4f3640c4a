"""Calls of several threads that are handled together."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from shared.failures import TransientFailure
from shared.gathered import Gathered
from tests.support.system import wait_for


class Doubling:
    """Doubles numbers; the first batch waits until it is let go."""

    def __init__(self, refuses: Exception | None = None) -> None:
        self.batches: list[list[int]] = []
        self.go_on = threading.Event()
        self._refuses = refuses

    def __call__(self, batch: Sequence[int]) -> list[int]:
        self.batches.append(list(batch))
        if len(self.batches) == 1:
            self.go_on.wait(10)
        elif self._refuses and -1 in batch:
            raise self._refuses
        return [2 * number for number in batch]


def called_side_by_side(handle: Doubling, numbers: Sequence[int]) -> list[Future[int]]:
    """The first number is in work while the others come."""
    gathered = Gathered(handle)
    with ThreadPoolExecutor(len(numbers)) as pool:
        futures = [pool.submit(gathered, numbers[0])]
        wait_for(lambda: bool(handle.batches), "the first batch")
        futures += [pool.submit(gathered, number) for number in numbers[1:]]
        wait_for(lambda: gathered.waiting == len(numbers) - 1, "the other calls")
        handle.go_on.set()
    return futures


def test_what_comes_meanwhile_is_the_next_batch() -> None:
    handle = Doubling()
    futures = called_side_by_side(handle, range(8))
    assert [future.result() for future in futures] == [2 * number for number in range(8)]
    assert [sorted(batch) for batch in handle.batches] == [[0], list(range(1, 8))]


def test_an_item_that_is_refused_leaves_the_others_alone() -> None:
    handle = Doubling(refuses=ValueError("negative"))
    first, second, refused = called_side_by_side(handle, [1, 2, -1])
    assert (first.result(), second.result()) == (2, 4)
    with pytest.raises(ValueError, match="negative"):
        refused.result()


def test_what_is_down_is_asked_once_for_all() -> None:
    handle = Doubling(refuses=TransientFailure("down"))
    _, *others = called_side_by_side(handle, [1, 2, -1])
    for future in others:
        with pytest.raises(TransientFailure, match="down"):
            future.result()
    assert len(handle.batches) == 2
