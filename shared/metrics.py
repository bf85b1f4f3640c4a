"""The Prometheus metrics that several parts of a service set, or that no part has as its own.

Those of HTTP are in ``shared.http``. docs/runbook.md tells what to do when one of them is bad.
"""

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter(
    "consumer_messages_total",
    "Messages taken from Kafka, by what became of them (done, ignored, retry, dead)",
    ["group", "message_type", "outcome"],
)
MESSAGE_SECONDS = Histogram(
    "consumer_message_duration_seconds", "Time to handle a message", ["group", "message_type"]
)
CONSUMER_RETRIES = Counter(
    "consumer_retries_total", "Messages put off, to be tried again after a while", ["group"]
)
CONSUMER_DEAD_LETTERS = Counter(
    "consumer_dead_letters_total", "Messages given up and written to the dead letters", ["group"]
)
CONSUMER_LAG = Gauge(
    "consumer_lag_messages", "Messages behind the newest, all partitions", ["group"]
)
CONSUMER_IN_FLIGHT = Gauge("consumer_in_flight_messages", "Messages being worked on", ["group"])
CONSUMER_HALTED = Gauge(
    "consumer_halted", "1 when the consumer has stopped after a run of dead letters", ["group"]
)
CONSUMER_CONNECTED = Gauge("consumer_connected", "1 when a broker of Kafka answers", ["group"])
OUTBOX_PENDING = Gauge("outbox_pending_messages", "Messages not yet confirmed by the broker")
OUTBOX_AGE = Gauge("outbox_age_seconds", "Age of the oldest of them")
OUTBOX_PUBLISHED = Counter("outbox_published_total", "Messages published", ["outcome"])
FILE_REMOVALS = Counter(
    "file_removals_total",
    "Files removed from the storage, or not yet (removed, failed)",
    ["outcome"],
)
STORAGE_SECONDS = Histogram(
    "storage_operation_duration_seconds", "Calls of the storage", ["operation"]
)
STORAGE_FAILURES = Counter(
    "storage_failures_total",
    "Calls of the storage that failed (missing, refused, unavailable)",
    ["operation", "reason"],
)
WORKER_FAILURES = Counter(
    "worker_failures_total",
    "Jobs that a worker process did not finish (died, too_long, too_much_memory, raised)",
    ["reason"],
)
PART_RESTARTS = Counter(
    "part_restarts_total", "Parts of the process that failed and were started again", ["part"]
)
PART_STATUS = Gauge(
    "health_part_status", "A part in GET /health: 0 ok, 1 degraded, 2 down", ["part"]
)
DATABASE_IN_USE = Gauge("database_connections_in_use", "Database connections in use")
DATABASE_ALLOWED = Gauge("database_connections_allowed", "DATABASE_POOL_SIZE")
DATABASE_TIMEOUTS = Counter(
    "database_pool_timeouts_total", "Uses of the database for which no connection became free"
)


def show_from_the_start(counter: Counter, *values: str) -> None:
    """Prometheus sees a counter grow only if it has seen it before, at zero."""
    for value in values:
        counter.labels(value)


show_from_the_start(FILE_REMOVALS, "removed", "failed")
show_from_the_start(WORKER_FAILURES, "died", "too_long", "too_much_memory", "raised")
