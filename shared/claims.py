"""Taking rows that are due, so that no two processes take the same."""

from typing import Any

from sqlalchemy import Update, select, update


def claim(target: Any, key: Any, *, due: Any, order: Any, limit: int, values: Any) -> Update:
    """An update that sets ``values`` in the first ``limit`` rows that are ``due``.

    ``target`` is a table or a mapped class, ``key`` its primary key. Rows that another transaction
    is taking are passed over, not waited for. Say with ``returning`` what is wanted of them; they
    come in no order.
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
