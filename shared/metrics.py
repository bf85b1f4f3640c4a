"""The Prometheus metrics of messages and of the outbox; those of HTTP are in ``shared.http``."""

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
