"""Orders: what every endpoint that creates something checks before it accepts a request, in the provider's order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from harness.fakes.account import Account
from harness.fakes.events import ContractProblem
from harness.fakes.script import Failure
from harness.fakes.suno import contract
from harness.fakes.validation import Form

Problems = Callable[[dict[str, Any]], list[ContractProblem]]


@dataclass(frozen=True, slots=True)
class Order:
    """One endpoint that creates something."""

    endpoint: str
    price: int
    """Credits."""
    form: Form
    problems: Problems
    """Returns the rules that a request breaks: those of the form, and what depends on several fields."""


def accepted(
    order: Order,
    account: Account,
    rules: contract.Rules,
    request: Request,
    content: bytes,
    fails: Failure | None,
    impossible: Callable[[dict[str, Any]], Failure | None],
) -> dict[str, Any] | Failure:
    """Return the body of a request that is accepted, or its refusal.

    `fails` is the script's refusal, if there is one; `impossible` returns that of a request whose subject does not
    exist. Only what is accepted counts for the rate limit.
    """
    body = account.read_object(order.endpoint, request, content)
    if isinstance(body, Failure):
        return body
    problems = order.problems(body)
    if problems:
        account.break_contract(order.endpoint, problems)
        return account.failure(*rules.refusal(problems))
    if fails is not None and fails.when == "at-once":
        return fails
    misspelt = order.form.misspelt(body)
    if misspelt:
        account.break_contract(order.endpoint, misspelt)
    return impossible(body) or account.has_no_room(order.endpoint, order.price) or body


def nothing_impossible(body: dict[str, Any]) -> Failure | None:
    """Admit any request: it is about nothing that must exist."""
    return None
