"""What is kept for previews is bounded in bytes and in time."""

from hypothesis import given
from hypothesis import strategies as st

from dither_service.preview_memory import PreviewMemory

KEPT = 60.0


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def memory(max_bytes: int = 100) -> tuple[PreviewMemory, Clock]:
    clock = Clock()
    return PreviewMemory(max_bytes, KEPT, clock), clock


def test_the_least_recently_used_goes_first() -> None:
    kept, _ = memory()
    kept.put("a", "A", 40)
    kept.put("b", "B", 40)
    assert kept.get("a") == "A"
    kept.put("c", "C", 40)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == ("A", None, "C")


def test_what_is_larger_than_the_memory_is_not_kept_and_drops_nothing() -> None:
    kept, _ = memory()
    kept.put("a", "A", 100)
    kept.put("b", "B", 101)
    assert (kept.get("a"), kept.get("b")) == ("A", None)


def test_a_value_that_is_replaced_counts_once() -> None:
    kept, _ = memory()
    kept.put("a", "old", 60)
    kept.put("a", "new", 70)
    assert (kept.get("a"), kept.size) == ("new", 70)


def test_what_is_not_used_for_a_while_is_dropped() -> None:
    kept, clock = memory()
    kept.put("a", "A", 1)
    kept.put("b", "B", 1)
    clock.time = KEPT
    assert kept.get("a") == "A"
    clock.time = KEPT + 1
    assert (kept.get("b"), kept.get("a")) == (None, "A")
    assert kept.size == 1


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 130), st.integers(0, 90))))
def test_it_never_keeps_more_than_it_may(steps: list[tuple[int, int, int]]) -> None:
    kept, clock = memory()
    sizes: dict[int, int] = {}
    for key, size, seconds in steps:
        clock.time += seconds
        kept.put(key, size, size)
        sizes[key] = size
        there = [key for key in sizes if kept.get(key) is not None]
        assert kept.size == sum(sizes[key] for key in there) <= 100
