"""R10: in whatever order and however often messages arrive, the final state is the model's."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from shared.database import Database
from tests.faults.model import NAMES, STEPS, run_histories
from tests.faults.scale import Scale, chosen_scale
from tests.integration.services.support import migrated


@pytest.fixture
def databases(database: str) -> Iterator[dict[str, Database]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(migrated(database, f"{name}_service")) for name in NAMES}


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(chosen_scale().parts))
def test_r10_every_history_ends_as_the_model_says(
    databases: dict[str, Database],
    scale: Scale,
    seed: int,
    part: int,
    measured: Callable[[str], None],
) -> None:
    histories = scale.histories // scale.parts
    run_histories(databases, histories, seed + part)
    measured(f"{histories} histories of up to {STEPS} steps: each ends as the model says")
