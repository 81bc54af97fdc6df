"""The invariant about the providers' contracts: what is requested of them is what they allow."""

from harness.invariants.invariant import Invariant
from harness.invariants.verdict import Finding, held, not_applicable, violated
from harness.trace.events import ContractBroken
from harness.trace.view import TraceView


def honours_contract(view: TraceView) -> Finding:
    """Reports the first request that the provider's contract does not allow."""
    own = {entry.number for entry in view.own_requests}
    broken = [entry for entry in view.of(ContractBroken) if entry.cause in own]
    if broken:
        event = broken[0].event
        problem = event.problems[0]
        found = "" if problem.get("found") is None else f" (found {problem['found']!r})"
        more = f"; {len(broken)} requests break the contract" if len(broken) > 1 else ""
        return violated(
            f"{event.endpoint}: {problem['field']}: {problem['rule']}{found}, {problem['source']}{more}",
            view.journal[broken[0].cause],
            broken[0],
        )
    requested = [entry for entry in view.own_requests if entry.event.link in ("suno", "kie")]
    if not requested:
        return not_applicable("nothing was asked of a provider")
    return held(f"all {len(requested)} requests are valid by the contract")


HONOURS_CONTRACT = Invariant(
    name="honours-contract",
    sentence="Every request to a provider is one that the provider's contract allows.",
    consequence="sends requests that the contract does not allow",
    check=honours_contract,
)
