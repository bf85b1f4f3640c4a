"""`deploy/images` on a Docker that only notes its orders: registries cannot be reached in tests."""

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "deploy" / "images"
DOCKER = """#!/bin/sh
echo "$*" >>"$ORDERS"
case $* in *inspect*) echo "sha256:$(printf '%s' "$*" | sha256sum | cut -c1-64)" ;; esac
"""


def ordered(
    directory: Path, **variables: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    docker = directory / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    orders = directory / "orders"
    orders.touch()
    done = subprocess.run(
        ["sh", str(SCRIPT)],
        env={"PATH": f"{directory}:{os.environ['PATH']}", "ORDERS": str(orders), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, orders.read_text().splitlines()


def test_both_images_are_built_for_both_processors_on_pinned_bases(tmp_path: Path) -> None:
    pinned = f"debian:12-slim@sha256:{'a' * 64}"
    done, orders = ordered(tmp_path, REGISTRY="example.org/ann", TAG="1.2.3", DEBIAN_IMAGE=pinned)
    assert done.returncode == 0, done.stderr
    services, edge = (order for order in orders if order.startswith("buildx build"))
    for order in (services, edge):
        assert "--platform linux/amd64,linux/arm64" in order
        assert "--push" in order
    assert "--build-arg PYTHON_IMAGE=python:3.13-slim@sha256:" in services
    assert services.endswith("--tag example.org/ann/dither-services:1.2.3 .")
    assert f"--build-arg DEBIAN_IMAGE={pinned} " in edge
    assert not [order for order in orders if "inspect" in order and order.endswith(pinned)]
    assert done.stdout.count("@sha256:") == 4, "each image and its base by digest"


def test_a_missing_version_is_named(tmp_path: Path) -> None:
    done, orders = ordered(tmp_path, REGISTRY="example.org/ann")
    assert done.returncode != 0
    assert "TAG=1.0.0" in done.stderr
    assert orders == []
