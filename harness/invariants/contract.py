"""The invariant about the providers' contracts: every request is valid."""

from harness.invariants.invariant import Invariant
from harness.invariants.verdict import Finding, held, not_applicable, violated
from harness.trace.events import ContractBroken
from harness.trace.view import TraceView


def honours_contract(view: TraceView) -> Finding:
    """Report the first request that violates the provider's contract."""
    own = {entry.number for entry in view.own_requests}
    broken = [entry for entry in view.of(ContractBroken) if entry.cause in own]
    if broken:
        event = broken[0].event
        problem = event.problems[0]
        found = "" if problem.get("found") is None else f" (found {problem['found']!r})"
        more = f"; {len(broken)} requests violate the contract" if len(broken) > 1 else ""
        return violated(
            f"{event.endpoint}: {problem['field']}: {problem['rule']}{found}, {problem['source']}{more}",
            view.journal[broken[0].cause],
            broken[0],
        )
    requested = [entry for entry in view.own_requests if entry.event.link in ("suno", "kie")]
    if not requested:
        return not_applicable("no request was made to a provider")
    return held(f"all {len(requested)} requests are valid under the contract")


HONOURS_CONTRACT = Invariant(
    name="honours-contract",
    sentence="Every request to a provider is valid under the provider's contract.",
    consequence="sends requests that violate the contract",
    check=honours_contract,
)
