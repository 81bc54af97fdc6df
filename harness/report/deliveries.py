"""One line for each exchange and each attempt to deliver a callback, as tools for webhooks tell them."""

from rich.text import Text

from harness.journal import Entry, Journal
from harness.simulation.hosts import APPLICATION_HOST

BODY_CODE_MEANS_WELL = 200


def delivery_line(journal: Journal, entry: Entry) -> Text | None:
    """The line for an entry, or None for one that needs none."""
    facts = entry.facts
    match entry.kind:
        case "response" if journal[facts["request"]].facts["host"] != APPLICATION_HOST:
            return _line(entry, "→", _asked(journal, entry), _status(facts["status"], _code(facts["body"])))
        case "request.abandoned" if journal[facts["request"]].facts["host"] != APPLICATION_HOST:
            return _line(entry, "→", _asked(journal, entry), ("gave up waiting", "red"), f"{facts['after_s']:.1f} s")
        case "callback.attempt":
            which = f"attempt {facts['attempt']} of {facts['attempts']}"
            return _line(entry, "←", f'"{facts["callback"]}" to {facts["url"]}', ("sent", "dim"), which)
        case "callback.answered":
            outcome = (
                _status(facts["status"], None) if facts["outcome"] == "answered" else (str(facts["outcome"]), "red")
            )
            retry_s = facts["retry_in_s"]
            after = "" if facts["accepted"] else "given up" if retry_s is None else f"again in {retry_s:g} s"
            return _line(entry, "→", f"answer to attempt {facts['attempt']}", outcome, after)
        case "contract.broken":
            told = "; ".join(f"{each['field']}: {each['rule']}" for each in facts.get("problems", ()))
            return _line(entry, "!", f"breaks the contract: {told}", ("", "red"))
        case "fault":
            return _line(entry, "!", f"fault {facts['harm']} on the link {facts['link']}", ("", "yellow"))
    return None


def _asked(journal: Journal, entry: Entry) -> str:
    asked = journal[entry.facts["request"]].facts
    return f"{asked['method']} {asked['path']}"


def _code(body: object) -> int | None:
    code = body.get("code") if isinstance(body, dict) else None
    return code if isinstance(code, int) else None


def _status(status: int | None, code: int | None) -> tuple[str, str]:
    is_well = status is not None and status < 300 and code in (None, BODY_CODE_MEANS_WELL)
    told = f"{status}" if code in (None, BODY_CODE_MEANS_WELL) else f"{status} code {code}"
    return told, "green" if is_well else "red"


def _line(entry: Entry, arrow: str, what: str, outcome: tuple[str, str], more: str = "") -> Text:
    latency_s = entry.facts.get("latency_s")
    took = "" if latency_s is None else f"{latency_s * 1000:.0f} ms" if latency_s < 10 else f"{latency_s:.1f} s"
    line = Text(f"{entry.at_s:9.1f} s {arrow} ", style="dim")
    line.append(what, style="default")
    line.append(" ")
    line.append(*outcome)
    for part in (took, more):
        if part:
            line.append(f"  {part}", style="dim")
    return line
