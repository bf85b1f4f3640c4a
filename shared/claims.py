"""Claim due rows, so that no two processes take the same row; and compute when rows are due."""

from typing import Any

from sqlalchemy import Update, func, select, text, update
from sqlalchemy.orm import Session


def claim(target: Any, key: Any, *, due: Any, order: Any, limit: int, values: Any) -> Update:
    """An update that sets ``values`` in the first ``limit`` rows that are ``due``.

    ``target`` is a table or a mapped class, ``key`` its primary key. Rows that another transaction
    has locked are skipped, not waited for. Choose the columns to read with ``returning``; the rows
    come in no particular order.
    """
    chosen = (
        select(key.label("key"))
        .where(due)
        .order_by(order)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("chosen")  # evaluated once, or a join could take more than the limit
    )
    return update(target).where(key.in_(select(chosen.c.key))).values(values)


def due_again(last: Any, tries: Any, after_seconds: float) -> Any:
    """When a row is due again after its ``last`` try, which was number ``tries``.

    After ``after_seconds``, then twice as long each time, up to a day.
    """
    doublings = func.least(tries - 1, 16)  # without a bound, the power would overflow one day
    wait = func.least(after_seconds * func.power(2, doublings), 86_400)
    return last + wait * text("interval '1 second'")


def seconds_until(session: Session, due: Any, where: Any) -> float | None:
    """Seconds to the earliest ``due`` of the rows; None where there are none."""
    left = func.extract("epoch", func.min(due) - func.now())
    seconds = session.scalar(select(left).where(where))
    return None if seconds is None else float(seconds)
