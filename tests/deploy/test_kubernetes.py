"""The Kubernetes files: by the schemas of the API, and what kustomize makes of them."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from funnelhouse.sql.client import EXACT

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
VERSION = "1.35"
OVERLAYS = sorted(path.name for path in (FOLDER / "overlays").iterdir())
OF_AN_OPERATOR = {"ClickHouseInstallation"}
"""Kinds that the API does not know by itself: nothing here holds them to their schema."""

NAME = {"app.kubernetes.io/name": "funnelhouse"}


def documents(text: str) -> list[dict[str, Any]]:
    """Read the objects of a YAML stream."""
    return [document for document in yaml.safe_load_all(text) if document]


def objects() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every object that stands in a file, without what is kustomize's own."""
    for path in sorted(FOLDER.rglob("*.yaml")):
        for document in documents(path.read_text(encoding="utf-8")):
            if isinstance(document, dict) and document["kind"] != "Kustomization":
                yield f"{path.relative_to(FOLDER)}:{document['kind']}", document


def built(overlay: str) -> list[dict[str, Any]]:
    """Render an overlay, as `kubectl apply -k` would."""
    if not shutil.which("kubectl"):
        pytest.skip("rendering an overlay needs kubectl, which is not installed here")
    command = ["kubectl", "kustomize", str(FOLDER / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return documents(done.stdout)


def the(kind: str, among: list[dict[str, Any]], name: str = "funnelhouse") -> dict[str, Any]:
    """Find the object of a kind and name."""
    (found,) = [d for d in among if d["kind"] == kind and d["metadata"]["name"] == name]
    return found


@pytest.mark.parametrize(("name", "document"), list(objects()), ids=lambda value: str(value)[:60])
def test_every_object_follows_the_schema_of_the_api(name: str, document: dict[str, Any]) -> None:
    """Each object has the fields of its kind, and no other."""
    if document["kind"] in OF_AN_OPERATOR:
        pytest.skip(f"{name}: its schema comes with the operator")
    kubernetes_validate.validate(document, VERSION, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_overlay_renders_to_valid_objects(overlay: str) -> None:
    """Kustomize renders each overlay, and its objects follow their schemas."""
    for document in built(overlay):
        if document["kind"] not in OF_AN_OPERATOR:
            kubernetes_validate.validate(document, VERSION, strict=True)


def test_a_server_of_the_overlay_remembers_no_condition() -> None:
    """Whoever asks the server that the overlay starts gets all rows, as the product does."""
    rendered = built("server")
    installed = the("ClickHouseInstallation", rendered)["spec"]["configuration"]
    assert installed["profiles"] == {f"default/{name}": value for name, value in EXACT.items()}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_selectors_meet_the_pods_and_peers_stay_as_written(overlay: str) -> None:
    """Services, budget and policy select our pods; the policy's peers are others than those."""
    rendered = built(overlay)
    labels = the("StatefulSet", rendered)["spec"]["template"]["metadata"]["labels"]
    selectors = [d["spec"]["selector"] for d in rendered if d["kind"] == "Service"]
    selectors.append(the("PodDisruptionBudget", rendered)["spec"]["selector"]["matchLabels"])
    policy = the("NetworkPolicy", rendered)["spec"]
    selectors.append(policy["podSelector"]["matchLabels"])
    assert all(selector and selector.items() <= labels.items() for selector in selectors)
    rules = [*policy["ingress"], *policy["egress"]]
    peers = [peer for rule in rules for peer in (*rule.get("from", ()), *rule.get("to", ()))]
    named = [peer["podSelector"]["matchLabels"] for peer in peers if "podSelector" in peer]
    assert named
    assert not any(NAME.items() <= labels.items() for labels in named)


def test_the_loader_stands_beside_the_spool_of_its_collector() -> None:
    """Both containers mount the claim of the pod at the data folder, locked down alike."""
    pods = yaml.safe_load((FOLDER / "base" / "statefulset.yaml").read_text())["spec"]
    containers = pods["template"]["spec"]["containers"]
    assert [container["args"] for container in containers] == [["collect"], ["warehouse"]]
    (claim,) = pods["volumeClaimTemplates"]
    for container in containers:
        mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        assert mounts["/data"] == claim["metadata"]["name"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_grace_of_a_pod_outlasts_its_hooks_and_the_drain() -> None:
    """Stopping is given more seconds than the hooks and a collector's drain can take together."""
    spec = yaml.safe_load((FOLDER / "base" / "statefulset.yaml").read_text())["spec"]["template"]
    grace_s = spec["spec"]["terminationGracePeriodSeconds"]
    collector_hook_s, drain_s, warehouse_hook_s = 5, 20, 10 + 60
    assert grace_s > max(collector_hook_s + drain_s + 5, warehouse_hook_s + drain_s + 5)


@pytest.mark.parametrize(("held", "ends"), [("", True), ("0001-1-1.arrow", False)])
def test_the_hook_of_the_loader_waits_for_an_empty_spool(
    held: str, *, ends: bool, tmp_path: Path
) -> None:
    """The loader's PreStop ends at once where nothing waits, and stays while a segment does."""
    pods = yaml.safe_load((FOLDER / "base" / "statefulset.yaml").read_text())["spec"]["template"]
    hook = pods["spec"]["containers"][1]["lifecycle"]["preStop"]["exec"]["command"]
    spool = tmp_path / "spool"
    spool.mkdir()
    if held:
        (spool / held).touch()
    script = hook[2].replace("sleep 10", "true").replace("/data/spool", str(spool))
    counted = script.replace("sleep 1;", "echo waited;")
    done = subprocess.run([*hook[:2], counted], capture_output=True, text=True, check=True)
    assert (done.stdout == "") == ends
