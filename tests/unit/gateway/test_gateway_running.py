"""Coroutines without tasks: they go on at once, and share what they wait for with tasks."""

import asyncio

import pytest

from api_gateway.running import Signal, make_waiter, run


def test_it_runs_to_its_first_wait_and_on_within_the_call_that_ends_it() -> None:
    signal, seen = Signal(), []

    async def work() -> None:
        seen.append("began")
        await signal
        seen.append("went on")

    run(work())
    assert seen == ["began"]
    assert not signal.done()
    signal.set_result(None)
    assert seen == ["began", "went on"]


def test_what_was_given_before_is_not_waited_for() -> None:
    signal, seen = Signal(), []
    signal.set_result(None)

    async def work() -> None:
        await signal
        seen.append("done")

    run(work())
    assert seen == ["done"]


def test_several_and_a_task_may_wait_for_one_future() -> None:
    async def main() -> None:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        seen = []

        async def work() -> None:
            seen.append(await future)

        run(work())
        run(work())
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        future.set_result("news")
        await task
        assert seen == ["news"] * 3

    asyncio.run(main())


def test_a_futures_error_is_raised_where_it_is_awaited() -> None:
    async def main() -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        seen = asyncio.Event()

        async def work() -> None:
            with pytest.raises(OSError, match="broken"):
                await future
            seen.set()

        run(work())
        future.set_exception(OSError("broken"))
        await seen.wait()

    asyncio.run(main())


def test_a_task_waits_by_a_future_and_anything_else_by_a_signal() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        kinds = [type(make_waiter(loop))]
        called = loop.create_future()
        loop.call_soon(lambda: called.set_result(type(make_waiter(loop))))
        kinds.append(await called)
        assert kinds == [type(loop.create_future()), Signal]

    asyncio.run(main())
