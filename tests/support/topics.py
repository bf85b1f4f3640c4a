"""An independent look at the topics: nothing here comes from the code that writes to them."""

from confluent_kafka import Consumer, Message, TopicPartition


def header_list(message: Message) -> list[tuple[str, str | bytes | None]]:
    headers = message.headers() or []
    return list(headers.items()) if isinstance(headers, dict) else headers


def read_topic(kafka_server: str, topic: str) -> list[Message]:
    """All messages that are in a topic now, each partition in order."""
    client = Consumer(
        {
            "bootstrap.servers": kafka_server,
            "group.id": "a-look-from-outside",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,  # the end of an empty partition is reported only after this
        }
    )
    try:
        partitions = client.list_topics(topic, timeout=10).topics[topic].partitions
        client.assign([TopicPartition(topic, number, 0) for number in partitions])
        messages, ended = [], 0
        while ended < len(partitions):
            message = client.poll(10)
            assert message is not None, f"{topic} cannot be read"
            if message.error() is None:
                messages.append(message)
            else:
                ended += 1
        return messages
    finally:
        client.close()
