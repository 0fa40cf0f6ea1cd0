"""Write the page of reasons from their one source: `python -m besteffort_operator.troubleshooting > page.md`."""

from __future__ import annotations

import sys

from besteffort_operator.reasons import EXPLANATIONS, Reason

__all__ = ["troubleshooting_page"]

INTRO = """\
# Troubleshooting

<!-- Made by `python -m besteffort_operator.troubleshooting`; a test compares. Change reasons.py instead. -->

`besteffort status NAME -n NAMESPACE` is the first thing to ask: one report of the conditions, the sizes, the policy
that the routers really run, the scaling and the last events, with the advice of this page for what is not as it should
be. It ends with exit status 1 while the service is not ready. Without it, `kubectl describe bes NAME` shows the facts.

`kubectl wait --for=condition=Ready bes/NAME` waits; the reason is a column of `kubectl get bes -o wide`.

## Conditions

| Condition | True means |
|---|---|
| `Ready` | Requests are answered: `SizesAvailable` and `RouterReady` hold, and the resource can be run. |
| `SizesAvailable` | At least one size has a Triton server that is available. |
| `AllSizesReady` | Every size has all its servers, of the wanted version. |
| `RouterReady` | At least one router is available and reaches a size; with `mode: Sidecar` they are the clients' own. |
| `PolicyLoaded` | Every router that answers runs the wanted policy with its bundle. False degrades, it does not stop. |
| `ScalingReady` | What changes the number of servers can do so. Only there where the number follows the load. |
| `Progressing` | A change is on its way. False is the normal state. |
| `Degraded` | Somebody must act, even if requests are answered. False is the normal state. |

Each condition has a reason of the tables below and a sentence about this very case. A size's own sentence stands in
`status.sizes[]`.
"""

FAULTS = "\n## Reasons that call for somebody\n\n`Degraded` is True with these.\n\n"
WAITING = "\n## Reasons that take time, or only inform\n\n"
MORE = """
## What has no reason of its own

- **The status does not change at all**: `status.observedGeneration` is behind `metadata.generation`. The operator does
  not run or does not watch this namespace: `kubectl get pods -A -l app.kubernetes.io/name=besteffort-operator`.
- **The resource is refused by `kubectl apply`**: the sentence names the field and the fix. `besteffort render FILE`
  says the same without a cluster; `besteffort validate FILE` leaves out the rules that hold on clusters only. For an
  unknown field of a resource that exists, `kubectl` prints a long patch: read its last words, or apply with
  `--server-side`. For a value of a wrong type `besteffort validate FILE` has the clearer sentence.
- **A pod waits in `ContainerCreating`**: a volume is missing or slow; `besteffort status` shows the event, such as
  FailedMount.
- **A change of a Deployment is undone**: the operator keeps what it owns. Change the resource; for what it has no field
  for there is `podTemplate`.
- **Requests are refused or slow although all is ready**: that is load, not trouble. The [alerts](alerts.md) say which
  promise is at risk, and the dashboards why.
"""


def troubleshooting_page() -> str:
    """Return the page as Markdown."""
    faults = [reason for reason in Reason if EXPLANATIONS[reason].fault]
    others = [reason for reason in Reason if not EXPLANATIONS[reason].fault]
    return INTRO + FAULTS + _table(faults) + WAITING + _table(others) + MORE


def _table(reasons: list[Reason]) -> str:
    header = "| Reason | Means | Do |\n|---|---|---|\n"
    return header + "".join(_row(reason) for reason in reasons)


def _row(reason: Reason) -> str:
    explanation = EXPLANATIONS[reason]
    cells = (f"`{reason.value}`", explanation.meaning, explanation.action)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    sys.stdout.write(troubleshooting_page())
