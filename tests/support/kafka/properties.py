"""The configuration of the one broker that the tests start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files: the broker's key and certificate, and the CA of the clients."""

    broker: Path
    authority: Path


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """Differences from the simplest broker.

    `users` (name: password): clients must log in with SCRAM-SHA-256; with `acls` they may then do
    only what `ApacheKafka.allow` granted them. `certificates`: clients must log in with a
    certificate instead; their name is its common name. `tokens`: they must log in with a token of
    OAuth 2, which need not be signed. `message_max_bytes` limits a batch. `extra` are additional
    Kafka properties.
    """

    tokens: bool = False
    certificates: Certificates | None = None
    users: Mapping[str, str] = field(default_factory=dict)
    acls: bool = False
    message_max_bytes: int | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ports:
    """`client` is for the clients under test; `internal` needs no login and allows everything."""

    client: int
    internal: int
    controller: int


def write_properties(path: Path, data: Path, ports: Ports, options: BrokerOptions) -> None:
    """Writes `server.properties` to `path`."""
    properties = _basic(data, ports)
    if options.users:
        properties |= {
            "listener.security.protocol.map": (
                "CLIENT:SASL_PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
            ),
            "sasl.enabled.mechanisms": "SCRAM-SHA-256",
            "listener.name.client.scram-sha-256.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
        }
    if options.tokens:
        properties |= {
            "listener.security.protocol.map": (
                "CLIENT:SASL_PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
            ),
            "sasl.enabled.mechanisms": "OAUTHBEARER",
            "listener.name.client.oauthbearer.sasl.jaas.config": (
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
                'unsecuredLoginStringClaim_sub="broker";'
            ),
        }
    if options.certificates is not None:
        properties |= {
            "listener.security.protocol.map": "CLIENT:SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "ssl.client.auth": "required",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(options.certificates.broker),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(options.certificates.authority),
            "ssl.principal.mapping.rules": "RULE:^.*CN=([^,]+).*$/$1/,DEFAULT",
        }
    if options.acls:
        properties |= {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            # Clients without a login: the broker itself and the tests, on the internal listener.
            "super.users": "User:ANONYMOUS",
        }
    if options.message_max_bytes is not None:
        properties["message.max.bytes"] = str(options.message_max_bytes)
    properties |= options.extra
    path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))


def _basic(data: Path, ports: Ports) -> dict[str, str]:
    replicated = (
        "offsets.topic.replication.factor",
        "transaction.state.log.replication.factor",
        "transaction.state.log.min.isr",
        "share.coordinator.state.topic.replication.factor",
        "share.coordinator.state.topic.min.isr",
    )
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{ports.controller}",
        "listeners": (
            f"CLIENT://127.0.0.1:{ports.client},INTERNAL://127.0.0.1:{ports.internal},"
            f"CONTROLLER://127.0.0.1:{ports.controller}"
        ),
        "listener.security.protocol.map": (
            "CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
        ),
        "inter.broker.listener.name": "INTERNAL",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(data),
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.num.partitions": "4",
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # A restarted broker must wait until its killed predecessor counts as dead (default: 9 s).
        "broker.session.timeout.ms": "1000",
        "broker.heartbeat.interval.ms": "250",
        **dict.fromkeys(replicated, "1"),
    }
