"""What became of one order to a provider, up to the moment when its result existed."""

from harness.causes.cause import Deviation, at, body_value, named, where_of
from harness.invariants.downloads import spoiling_fault
from harness.trace.events import ContractBroken, ImagePublished, RateLimited, Request, TaskRefused
from harness.trace.journal import Entry
from harness.trace.tracks import Generation, Track
from harness.trace.urls import usable_url
from harness.trace.view import TraceView

PROVIDERS = {"kie": "Kie.ai", "suno": "Suno"}
SIZES = ("image_size", "size", "image_resolution", "resolution", "aspect_ratio", "width", "height")
"""Parameters that request a size; of many the first two are named."""


def image_orders(view: TraceView, track: Track) -> list[Entry[Request]]:
    """Return the requests for a track's picture, also those that made no task."""
    own = {image.created.cause for image in track.images}
    others = {image.created.cause for each in view.tracks if each is not track for image in each.images}
    return [
        entry
        for entry in view.image_requests
        if entry.number in own or (entry.number not in others and _is_about(view, track, entry))
    ]


def _is_about(view: TraceView, track: Track, entry: Entry[Request]) -> bool:
    if len(view.tracks) == 1:
        return True
    text = str(entry.event.body)
    return bool(track.prompt and track.prompt in text) or bool(track.title and track.title in text)


def ordered(view: TraceView, entry: Entry[Request]) -> str:
    """Return an order as a noun: `POST /api/v1/jobs/createTask (image_size landscape_16_9, with a callBackUrl)`."""
    return f"{named(entry.event)} ({', '.join(_parameters(view, entry.event))})"


def _parameters(view: TraceView, request: Request) -> list[str]:
    """Return the parameters of an order that decide what comes, and whether a callback does."""
    inner = body_value(request.body, "input")
    flat = {**(request.body if isinstance(request.body, dict) else {}), **(inner if isinstance(inner, dict) else {})}
    sizes = [f"{name} {view.quote(str(flat[name]), 30)}" for name in SIZES if flat.get(name) is not None]
    return [*sizes[:2], "with a callBackUrl" if has_callback(request) else "without a callBackUrl"]


def has_callback(request: Request) -> bool:
    """Return whether an order asks for a callback."""
    return usable_url(body_value(request.body, "callBackUrl")) is not None


def not_accepted(view: TraceView, order: Entry[Request]) -> Deviation | None:
    """Return why an order made no task, or its response did not arrive; None if it did."""
    request, number, provider = order.event, order.number, PROVIDERS.get(order.event.link, order.event.host)
    response = view.responses.get(number)
    broken = next((entry for entry in view.of(ContractBroken) if entry.cause == number), None)
    if broken is not None:
        problem = broken.event.problems[0]
        text = f"{named(request)} breaks {provider}'s contract: {view.quote(_problem(problem))}"
        return Deviation("contract", text, (order, broken, response), where_of(order), f"contract: {problem['field']}")
    refused = next((entry for entry in view.of(TaskRefused) if entry.cause == number), None)
    if refused is not None:
        said = f": {view.quote(refused.event.message, 60)}" if refused.event.message else ""
        text = f"{provider} refused {ordered(view, order)} {at(refused)} with code {refused.event.code}{said}"
        return Deviation("refused", text, (order, refused, response), where_of(order), f"refused: {named(request)}")
    limited = next((entry for entry in view.of(RateLimited) if entry.cause == number), None)
    if limited is not None:
        text = f"{provider} refused {named(request)} {at(limited)}: too many requests"
        return Deviation("refused", text, (order, limited, response), where_of(order), f"rate: {named(request)}")
    return _response_lost(view, order)


def _problem(problem: object) -> str:
    found = dict(problem) if isinstance(problem, dict) else {}
    rest = ", ".join(str(value) for name, value in found.items() if name != "field" and value is not None)
    return f"{found.get('field')}: {rest}" if rest else str(found.get("field"))


def _response_lost(view: TraceView, order: Entry[Request]) -> Deviation | None:
    request, number, provider = order.event, order.number, PROVIDERS.get(order.event.link, order.event.host)
    response, abandoned, fault = view.responses.get(number), view.abandoned.get(number), spoiling_fault(view, number)
    key = f"response lost: {named(request)}"
    if abandoned is not None:
        text = f"the application gave up {ordered(view, order)} after {abandoned.event.after_s:g} s without a response"
        late = f"; {provider}'s came after {response.event.latency_s:g} s" if response is not None else ""
        return Deviation(
            "late", text + late, (order, abandoned, response), where_of(order), f"given up: {named(request)}"
        )
    if fault is not None:
        text = f"the response to {ordered(view, order)} never arrived sound ({fault.event.harm} {at(fault)})"
        return Deviation("lost", text, (order, fault, response), where_of(order), key)
    if response is None:
        text = f"{ordered(view, order)} {at(order)} was never answered"
        return Deviation("lost", text, (order,), where_of(order), key)
    event = response.event
    code = body_value(event.body, "code")
    if event.outcome == "broken-off":
        text = f"the response to {ordered(view, order)} broke off {at(response)}"
        return Deviation("lost", text, (order, response), where_of(order), key)
    if event.status != 200 or (isinstance(code, int) and code != 200):
        said = f", code {code}" if isinstance(code, int) else ""
        text = f"{provider} answered {ordered(view, order)} with HTTP {event.status}{said}"
        return Deviation("refused", text, (order, response), where_of(order), f"refused: {named(request)}")
    return None


def not_made(view: TraceView, order: Entry[Request], task: Generation, good: bool, what: str) -> Deviation | None:
    """Return why a task brought nothing of use; None if it brought what was wanted."""
    provider = PROVIDERS.get(order.event.link, order.event.host)
    if task.ended is None:
        text = f"{provider} never finished the {what} of {ordered(view, order)}"
        return Deviation("late", text, (order, task.created), where_of(order), f"never finished: {named(order.event)}")
    if task.failed:
        code = task.ended.event.code
        text = f"the {what} of {ordered(view, order)} failed at {provider} {at(task.ended)} with code {code}"
        return Deviation("refused", text, (order, task.ended), where_of(order), f"failed: {named(order.event)}")
    if not good:
        published = [view.published[url] for url in task.urls if url in view.published]
        size = _size(published[0].event) if published else "unknown size"
        text = f"for {ordered(view, order)} {provider} made a {what} of {size}"
        return Deviation(
            "quality", text, (order, task.ended, *published[:1]), where_of(order), f"quality: {named(order.event)}"
        )
    return None


def _size(image: ImagePublished) -> str:
    """Return a published picture's size, the smaller one that it was enlarged from, and its flaw."""
    size, made = ("x".join(map(str, each)) for each in (image.size, image.made))
    enlarged = f", enlarged from {made}" if size != made else ""
    return f"{size}{enlarged}" + (f" ({image.flaw})" if image.flaw else "")
