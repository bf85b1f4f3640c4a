"""Runs every row and prints the table; exits non-zero on a miss, or a row that did not run."""

import os
import random
import sys

import pytest

from tests.faults.scale import chosen_scale
from tests.faults.table import FAULTS, LIBRARY, Row, rows


class Recorder:
    """Records the results of the rows' tests, and deselects all other tests."""

    def __init__(self, table: list[Row]) -> None:
        self._table = table

    @pytest.hookimpl(tryfirst=True)  # before pytest compares names with -k
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        chosen, others = [], []
        for item in items:
            if (row := self._row(item.nodeid)) is None:
                others.append(item)
            else:
                item.extra_keyword_matches.add(row.name)
                chosen.append(item)
        config.hook.pytest_deselected(items=others)
        items[:] = chosen

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        row = self._row(report.nodeid)
        if row is None or (report.when != "call" and report.passed):
            return
        row.outcomes.append(report.outcome)
        row.measured += [str(text) for name, text in report.user_properties if name == "measured"]

    def _row(self, node: str) -> Row | None:
        return next((r for r in self._table if any(part in node for part in r.tests)), None)


def main() -> int:
    table = rows()
    os.environ["SEED"] = os.environ.get("SEED") or str(random.randrange(10**6))
    tests = sorted({part.partition("::")[0] for row in table for part in row.tests})
    assert all(path.startswith((FAULTS, LIBRARY)) for path in tests)
    pytest.main(["-q", *tests, *sys.argv[1:]], plugins=[Recorder(table)])
    print(f"\n{chosen_scale().name} form, SEED={os.environ['SEED']}")
    print("\n| id | what is done | result | measured |\n|---|---|---|---|")
    for row in table:
        measured = "; ".join(row.measured) or f"{len(row.outcomes)} tests"
        print(f"| {row.name} | {row.done} | {row.verdict} | {measured} |")
    return 0 if all(row.verdict == "ok" for row in table) else 1


if __name__ == "__main__":
    sys.exit(main())
