"""The Helm chart's network policies: who reaches whom, asked as a cluster would."""

import itertools

import pytest

from tests.unit.deploy.chart import ALL, Document, of_kind, pods, render

PORTS = {"gateway": 8000, "upload": 8001, "dither": 8002, "notification": 8003, "edge": 8080}
ASKED = {
    ("gateway", "upload"),
    ("gateway", "dither"),
    ("gateway", "notification"),
    ("dither", "upload"),
    ("notification", "upload"),
}


def labels(documents: list[Document], name: str) -> dict[str, str]:
    found = pods(documents)[f"dither-{name}"]["metadata"]["labels"]
    assert isinstance(found, dict)
    return found


def selects(selector: Document, of_pod: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= of_pod.items()
    return wanted and all(
        of_pod.get(rule["key"]) in rule["values"] for rule in selector.get("matchExpressions", [])
    )


def over(documents: list[Document], name: str, direction: str) -> list[Document]:
    """The policies of a direction that hold for a pod."""
    return [
        policy
        for policy in of_kind(documents, "NetworkPolicy").values()
        if direction in policy["policyTypes"]
        and selects(policy["podSelector"], labels(documents, name))
    ]


def rules(documents: list[Document], name: str, direction: str, port: int) -> list[Document]:
    key = {"Ingress": "ingress", "Egress": "egress"}[direction]
    found = [rule for policy in over(documents, name, direction) for rule in policy.get(key, [])]
    return [r for r in found if "ports" not in r or port in {p["port"] for p in r["ports"]}]


def may_enter(documents: list[Document], caller: str, called: str) -> bool:
    peers = [
        peer
        for rule in rules(documents, called, "Ingress", PORTS[called])
        for peer in rule.get("from", [{"podSelector": {}}])
    ]
    pod = labels(documents, caller)
    return any("podSelector" in peer and selects(peer["podSelector"], pod) for peer in peers)


def may_leave(documents: list[Document], caller: str, called: str) -> bool:
    """An address block that is as wide as the internet has the pods' addresses too."""
    peers = [
        peer
        for rule in rules(documents, caller, "Egress", PORTS[called])
        for peer in rule.get("to", [{"podSelector": {}}])
    ]
    pod = labels(documents, called)
    return any(
        selects(peer["podSelector"], pod)
        if "podSelector" in peer
        else peer["ipBlock"]["cidr"] == "0.0.0.0/0"
        for peer in peers
    )


def calls(documents: list[Document]) -> set[tuple[str, str]]:
    names = [name for name in PORTS if f"dither-{name}" in pods(documents)]
    return {
        (caller, called)
        for caller, called in itertools.permutations(names, 2)
        if may_enter(documents, caller, called) and may_leave(documents, caller, called)
    }


@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
def test_every_pod_is_under_a_policy(direction: str) -> None:
    documents = render(ALL)
    for name in pods(documents):
        assert over(documents, name.removeprefix("dither-"), direction), name


def test_processes_reach_each_other_only_where_they_call() -> None:
    documents = render()
    from_pods = {call for call in calls(documents) if call[1] != "gateway"}
    assert from_pods == ASKED


def test_with_the_edge_only_the_edge_reaches_the_gateway() -> None:
    documents = render(ALL)
    assert {call for call in calls(documents) if call[1] != "edge"} == ASKED | {("edge", "gateway")}
    [outside] = rules(documents, "edge", "Ingress", PORTS["edge"])
    assert outside["from"] == [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}]


def test_only_the_gateway_is_reached_from_everywhere() -> None:
    documents = render()
    for name in PORTS.keys() - {"edge"}:
        [rule] = rules(documents, name, "Ingress", PORTS[name])
        assert ("from" in rule) == (name != "gateway")
    [policy] = over(documents, "topics", "Ingress")
    assert "ingress" not in policy, "nobody calls a job"


def test_metrics_are_for_those_who_are_named() -> None:
    assert not rules(render(), "dither", "Ingress", 9100)
    peer = "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.name"
    documents = render({peer: "monitoring", "autoscaling.enabled": "true"})
    for name in ("gateway", "upload", "dither", "notification"):
        [rule] = rules(documents, name, "Ingress", 9100)
        assert [p["namespaceSelector"]["matchLabels"] for p in rule["from"]] == [
            {"name": "monitoring"},
            {"kubernetes.io/metadata.name": "keda"},
        ]


def test_no_pod_reaches_the_metadata_server_of_a_cloud() -> None:
    documents = render()
    for name in ("upload", "dither", "notification", "topics", "migrations"):
        for rule in rules(documents, name, "Egress", 80):
            for peer in rule["to"]:
                if "ipBlock" in peer:
                    assert {"169.254.0.0/16", "fe80::/10"} & set(peer["ipBlock"]["except"])
        # But its resolver may have an address of that network.
        assert any("to" not in rule for rule in rules(documents, name, "Egress", 53))


def test_an_operators_own_rules_leave_the_calls_between_services() -> None:
    block = "networkPolicy.egress[0].to[0].ipBlock.cidr"
    documents = render({block: "10.1.0.0/16"})
    assert ("dither", "upload") in calls(documents)
    assert not may_leave(documents, "upload", "dither")


def test_policies_can_be_left_to_the_cluster() -> None:
    assert not of_kind(render({"networkPolicy.enabled": "false"}), "NetworkPolicy")


def test_the_gateway_reaches_a_collector_of_traces_only_if_it_is_named() -> None:
    value = "networkPolicy.tracesTo[0].namespaceSelector.matchLabels.name"

    def rules_without_services(values: dict[str, str]) -> list[Document]:
        found = rules(render(values), "gateway", "Egress", 4318)
        return [rule for rule in found if "ports" not in rule]

    assert rules_without_services({}) == []
    [rule] = rules_without_services({value: "monitoring"})
    assert rule["to"] == [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]
