"""The restricted Pod Security profile (kubernetes.io/docs/concepts/security/pod-security-standards) as a check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"
}  # fmt: skip
SECCOMP = {"RuntimeDefault", "Localhost"}


def violations(pod: dict[str, Any]) -> list[str]:
    """Return what of a pod's spec the profile forbids, baseline and restricted controls alike."""
    shared = pod.get("securityContext", {})
    found = [*_host(pod), *_volumes(pod), *_of_context(shared, "pod")]
    for container in _containers(pod):
        found += _of_container(container, shared)
    return found


def _containers(pod: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from pod.get(field, [])


def _host(pod: dict[str, Any]) -> Iterator[str]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield field


def _volumes(pod: dict[str, Any]) -> Iterator[str]:
    for volume in pod.get("volumes", []):
        sources = set(volume) - {"name"}
        if len(sources) != 1 or not sources <= VOLUMES:
            yield f"volume {volume['name']} is {sorted(sources)}"


def _of_container(container: dict[str, Any], shared: dict[str, Any]) -> Iterator[str]:
    name, context = container["name"], container.get("securityContext", {})
    yield from _of_context(context, name)
    if context.get("privileged"):
        yield f"{name}: privileged"
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{name}: allowPrivilegeEscalation"
    capabilities = context.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []) or not set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"}:
        yield f"{name}: capabilities"
    if not context.get("runAsNonRoot", shared.get("runAsNonRoot")):
        yield f"{name}: runAsNonRoot"
    if context.get("seccompProfile", shared.get("seccompProfile", {})).get("type") not in SECCOMP:
        yield f"{name}: seccompProfile"
    if context.get("procMount", "Default") != "Default":
        yield f"{name}: procMount"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield f"{name}: hostPort"
    hooks = [*container.get("lifecycle", {}).values(), *(container.get(f"{k}Probe", {}) for k in PROBES)]
    if any(hook.get(action, {}).get("host") for hook in hooks for action in ("httpGet", "tcpSocket")):
        yield f"{name}: host of a probe or hook"


PROBES = ("startup", "readiness", "liveness")


def _of_context(context: dict[str, Any], name: str) -> Iterator[str]:
    if context.get("runAsUser") == 0:
        yield f"{name}: runAsUser"
    if context.get("runAsNonRoot") is False:
        yield f"{name}: runAsNonRoot is false"
    if context.get("sysctls") or context.get("seLinuxOptions") or context.get("appArmorProfile"):
        yield f"{name}: sysctls, seLinuxOptions or appArmorProfile"
    if context.get("seccompProfile", {}).get("type", "RuntimeDefault") not in SECCOMP:
        yield f"{name}: seccompProfile"
