"""The table of faults and required results, with the tests of each row."""

from dataclasses import dataclass, field

FAULTS = "tests/faults"
LIBRARY = "tests/integration"


@dataclass(slots=True)
class Row:
    """``tests``: the prefixes of its tests' ids; a row without tests is shown as not run."""

    name: str
    done: str
    tests: tuple[str, ...]
    outcomes: list[str] = field(default_factory=list)
    measured: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        if not self.outcomes:
            return "not run"
        if "failed" in self.outcomes:
            return "MISS"
        return "not run" if "skipped" in self.outcomes else "ok"


def rows() -> list[Row]:
    consumer, outbox = f"{LIBRARY}/test_consumer.py::", f"{LIBRARY}/outbox/test_outbox.py::"
    setup = f"{LIBRARY}/test_kafka_setup.py::"
    return [
        Row("R1", "SIGKILL at named points of the work", (f"{FAULTS}/test_crashes.py::test_r1",)),
        Row("R2", "one of two replicas is killed", (f"{FAULTS}/test_replicas.py::test_r2",)),
        Row(
            "R3",
            "poison among good messages",
            (
                f"{FAULTS}/test_poison.py::test_r3",
                f"{consumer}test_poison_goes_to_the_dead_letters_as_it_was_and_can_be_sent_back",
                f"{consumer}test_a_halted_consumer_leaves_the_rest_to_who_comes_after",
            ),
        ),
        Row(
            "R4",
            "work that takes longer than the poll interval",
            (f"{consumer}test_work_may_take_longer_than_the_poll_interval",),
        ),
        Row("R5", "SIGTERM under load", (f"{FAULTS}/test_stops.py::test_r5",)),
        Row("R6", "each part away for a while", (f"{FAULTS}/test_outages.py::test_r6",)),
        Row("R7", "through PgBouncer, five connections", (f"{FAULTS}/test_pooler.py::test_r7",)),
        Row("R8", "calls of Cloudinary, counted", (f"{FAULTS}/test_storage.py::test_r8",)),
        Row(
            "R9",
            "many writers, two relays, one outbox",
            (f"{outbox}test_many_writers_and_two_relays_miss_nothing",),
        ),
        Row("R10", "histories against a model", (f"{FAULTS}/test_model.py::test_r10",)),
        Row("R11", "orphan files", (f"{FAULTS}/test_storage.py::test_r11",)),
        Row(
            "R12",
            "replicas join and leave under load",
            (
                f"{FAULTS}/test_replicas.py::test_r12",
                f"{consumer}test_consumers_that_join_and_leave_share_the_work",
            ),
        ),
        Row(
            "R13",
            "a broker with SCRAM and ACLs",
            (
                f"{FAULTS}/test_secured.py::test_r13",
                f"{setup}test_all_rights_are_there_and_messages_flow",
                f"{setup}test_every_missing_right_is_named_in_one_sentence",
            ),
        ),
        Row("R14", "a long time at half capacity", (f"{FAULTS}/test_soak.py::test_r14",)),
    ]
