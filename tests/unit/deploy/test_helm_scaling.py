"""The Helm chart's autoscaling and disruption budgets."""

from typing import Any

import pytest

from dither_service import dispatcher
from shared import assembly
from shared.assembly import Consumer
from shared.settings import ServiceSettings
from tests.unit.deploy.chart import (
    Document,
    container,
    of_kind,
    pods,
    refusal,
    render,
    secrets,
    variables,
)

ON = {"autoscaling.enabled": "true"}
# What the scalers of KEDA 2.21 read of `metadata`, as far as it is used here.
PARAMETERS = {
    "cpu": {"value"},
    "kafka": {
        *("bootstrapServers", "topic", "consumerGroup", "lagThreshold", "offsetResetPolicy"),
        *("excludePersistentLag", "tls", "sasl"),
    },
    "metrics-api": {
        *("url", "format", "valueLocation", "targetValue"),
        *("aggregateFromKubeServiceEndpoints", "aggregationType"),
    },
}
CONSUMES = {
    "gateway": set(),
    "upload": {"dithers"},
    "dither": {"images", "dithers"},
    "notification": {"images", "dithers"},
}


def triggers(documents: list[Document], name: str, kind: str) -> list[dict[str, str]]:
    found = of_kind(documents, "ScaledObject")[f"dither-{name}"]["triggers"]
    return [trigger["metadata"] for trigger in found if trigger["type"] == kind]


def test_triggers_say_what_keda_reads() -> None:
    for spec in of_kind(render(ON), "ScaledObject").values():
        assert spec["triggers"]
        for trigger in spec["triggers"]:
            assert trigger["metadata"].keys() <= PARAMETERS[trigger["type"]]
            assert all(isinstance(value, str) for value in trigger["metadata"].values())


def group_of(service: str, topic: str, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> str:
    """The group in which a service really consumes a topic."""
    groups = list[str]()
    monkeypatch.setattr(assembly, "consumer_client", lambda *_, **__: None)
    monkeypatch.setattr(assembly, "ConsumerLoop", lambda _, group, **__: groups.append(group))
    given = ServiceSettings(kafka_ephemeral=True, access="open", **settings)
    for build in Consumer(given, service, [topic], {}).factories().values():
        build()
    [group] = groups
    return group


@pytest.mark.parametrize("prefix", ["", "ann-"])
def test_the_lag_is_that_of_the_services_groups(
    prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = render({**ON, "settings.KAFKA_GROUP_PREFIX": prefix})
    for name, topics in CONSUMES.items():
        asked = triggers(documents, name, "kafka")
        assert {trigger["topic"] for trigger in asked} == topics
        for trigger in asked:
            topic = trigger["topic"]
            group = group_of(name, topic, monkeypatch, kafka_group_prefix=prefix)
            assert trigger["consumerGroup"] == group
            assert trigger["bootstrapServers"] == "kafka-1:9092,kafka-2:9092"


def test_topics_of_other_names_are_followed() -> None:
    documents = render({**ON, "settings.KAFKA_DITHER_TOPIC": "mine"})
    [trigger] = triggers(documents, "upload", "kafka")
    assert (trigger["topic"], trigger["consumerGroup"]) == ("mine", "upload-mine")


def test_dithers_scale_by_the_queue_because_the_lag_does_not_show_it() -> None:
    documents = render(ON)
    [trigger] = triggers(documents, "dither", "metrics-api")
    [metric] = dispatcher.QUEUE_SECONDS.collect()
    assert trigger["valueLocation"] == metric.name
    assert trigger["url"] == "http://dither-dither.pictures.svc:9100/metrics"
    ports = {p["port"] for p in of_kind(documents, "Service")["dither-dither"]["ports"]}
    assert 9100 in ports, "KEDA looks the port up in the service"


def test_a_cluster_with_a_login_is_asked_with_that_of_the_process() -> None:
    documents = render(
        {
            **ON,
            "settings.KAFKA_SECURITY_PROTOCOL": "sasl_ssl",
            "settings.KAFKA_SASL_MECHANISM": "scram-sha-512",
            "settings.KAFKA_SASL_USERNAME": "ann",
        }
    )
    [trigger] = triggers(documents, "upload", "kafka")
    assert (trigger["tls"], trigger["sasl"]) == ("enable", "scram_sha512")
    [login] = of_kind(documents, "TriggerAuthentication").values()
    read = {entry["parameter"]: entry["name"] for entry in login["env"]}
    pod = pods(documents)["dither-upload"]
    assert variables(pod)[read["username"]] == "ann"
    assert read["password"] in secrets(pod)


def test_a_login_that_keda_cannot_use_is_named() -> None:
    values = {"settings.KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}
    assert "KAFKA_SASL_MECHANISM" in refusal({**ON, **values})


def test_the_number_of_pods_is_kedas_alone() -> None:
    assert all("replicas" in spec for spec in of_kind(render(), "Deployment").values())
    documents = render(ON)
    deployments = of_kind(documents, "Deployment")
    assert not [name for name, spec in deployments.items() if "replicas" in spec]
    for name, spec in of_kind(documents, "ScaledObject").items():
        assert spec["scaleTargetRef"] == {"name": name}
        assert 1 <= spec["minReplicaCount"] < spec["maxReplicaCount"]
        if any(trigger["type"] == "cpu" for trigger in spec["triggers"]):
            pod = deployments[name]["template"]
            assert "cpu" in container(pod)["resources"]["requests"], "a share of what?"


def test_budgets_let_machines_be_emptied_pod_by_pod() -> None:
    documents = render({"edge.enabled": "true", "settings.GATEWAY_TRUSTED_PROXIES": "10.0.0.0/8"})
    budgets = of_kind(documents, "PodDisruptionBudget")
    deployments = of_kind(documents, "Deployment")
    assert budgets.keys() == deployments.keys()
    for name, budget in budgets.items():
        # minAvailable would never let a single pod go.
        assert budget["maxUnavailable"] == 1
        assert budget["selector"] == deployments[name]["selector"]
