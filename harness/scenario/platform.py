"""The rules of the platform on which the implementation runs, and those of well-known platforms by name."""

from dataclasses import dataclass
from typing import Literal

MINUTE_S = 60.0
NEVER_S = float("inf")
RestartEvent = Literal["music-ordered", "picture-ordered", "first-callback", "complete-callback", "image-callback"]
"""A provider has accepted the first order of music or of a picture; or the first delivery of a callback has ended."""


@dataclass(frozen=True, slots=True)
class AnswerLimit:
    """How long a caller waits for the answer; what it gets then; and what becomes of the handler."""

    after_s: float
    """0: the platform answers at once, and the handler works afterwards."""
    status: int = 504
    headers: tuple[tuple[str, str], ...] = ()
    body: str = "FUNCTION_INVOCATION_TIMEOUT"
    handler_ends_s: float | None = None
    """Seconds after the request at which the handler is ended with all that it has begun. None: at the limit; infinity:
    it runs on."""
    callbacks_only: bool = False
    """Whether the limit acts on callbacks alone, as where they have a function of their own."""
    runs_again_s: tuple[float, ...] = ()
    """The pauses before a handler that failed (5xx, or an exception) runs again on the same request."""

    @property
    def ends_s(self) -> float:
        """Return when the handler is ended, in seconds after the request."""
        return self.after_s if self.handler_ends_s is None else self.handler_ends_s


@dataclass(frozen=True, slots=True)
class BackgroundLimit:
    """How long work goes on after the last answer; then the instance is frozen until its next request."""

    after_s: float = 0.0
    of: Literal["instance", "handler"] = "instance"
    """`instance`: everything goes on for that long. `handler`: what a handler itself still does after its answer goes
    on, as work that is registered with the platform does, and is ended then; everything else stops with it."""
    worker_s: float | None = None
    """Instead: an instance is ended this many seconds after its first request. After half of them it gets no new
    requests."""


@dataclass(frozen=True, slots=True)
class RestartAfter:
    """A restart of all instances, some time after something has happened for the first time."""

    event: RestartEvent
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Platform:
    """The rules of a platform. The default is a plain server."""

    answer_limit: AnswerLimit | None = None
    background_limit: BackgroundLimit | None = None
    sleeps_after_s: float | None = None
    """Seconds without a request after which the instances are ended; the next request starts them again."""
    cold_start_s: float = 0.0
    """What such a start takes before the application's own startup."""
    restarts: tuple[float | RestartAfter, ...] = ()
    """When the instances are killed and new ones are started on the same store: seconds after the start, or after
    something has happened."""
    cron_every_s: float = 60.0
    """Seconds between the calls of the periodic route, if the implementation declares one."""
    instances: int = 1
    """The number of concurrent instances, which take requests in turn: one store, no shared memory."""

    @property
    def limit_s(self) -> float | None:
        """Return how long callers wait for an answer; None without a limit."""
        return None if self.answer_limit is None else self.answer_limit.after_s or None

    @property
    def controls_instances(self) -> bool:
        """Return whether it ends, freezes, restarts or multiplies instances."""
        ends_handlers = self.answer_limit is not None and self.answer_limit.ends_s != NEVER_S
        return self.stops_between_requests or ends_handlers or bool(self.restarts) or self.instances > 1

    @property
    def stops_between_requests(self) -> bool:
        """Return whether an instance may be frozen or ended while it has no request."""
        return self.background_limit is not None or self.sleeps_after_s is not None


@dataclass(frozen=True, slots=True)
class Preset:
    """A well-known platform: its rules, and where they are documented."""

    platform: Platform
    source: str
    """The page, and when it was read."""


def _vercel(limit_s: float) -> Platform:
    header = (("x-vercel-error", "FUNCTION_INVOCATION_TIMEOUT"),)
    body = "An error occurred with your deployment\n\nFUNCTION_INVOCATION_TIMEOUT\n"
    return Platform(AnswerLimit(limit_s, 504, header, body), BackgroundLimit(limit_s, "handler"))


def _supabase(worker_s: float) -> Platform:
    body = '{"code":"IDLE_TIMEOUT","message":"Request idle timeout limit (150s) reached"}'
    limit = AnswerLimit(150.0, 504, (("content-type", "application/json"),), body, handler_ends_s=NEVER_S)
    return Platform(limit, BackgroundLimit(worker_s=worker_s))


_GATEWAY_BODY = '{"message": "Endpoint request timed out"}'
_SLEEPING = Platform(
    AnswerLimit(100.0, 502, body="Bad Gateway", handler_ends_s=NEVER_S),
    sleeps_after_s=15 * MINUTE_S,
    cold_start_s=50.0,
)
PRESETS: dict[str, Preset] = {
    "vercel-hobby": Preset(_vercel(300.0), "vercel.com/docs/functions/limitations, Nov 2026 (fluid compute)"),
    "vercel-pro": Preset(_vercel(800.0), "the same page, Nov 2026: 300 s by default, at most 800 s, which is played"),
    "supabase-edge-free": Preset(_supabase(150.0), "supabase.com/docs/guides/functions/limits, Nov 2026"),
    "supabase-edge-paid": Preset(_supabase(400.0), "the same page, Nov 2026"),
    "cloudflare-proxied": Preset(
        Platform(AnswerLimit(100.0, 524, body="error code: 524", handler_ends_s=NEVER_S)),
        "developers.cloudflare.com, error 524, Nov 2026",
    ),
    "cloudflare-workers": Preset(
        Platform(background_limit=BackgroundLimit(30.0, "handler")),
        "developers.cloudflare.com/workers, limits of waitUntil, Nov 2026",
    ),
    "apigw-lambda": Preset(
        Platform(
            AnswerLimit(29.0, 504, (("content-type", "application/json"),), _GATEWAY_BODY, 15 * MINUTE_S),
            BackgroundLimit(0.0),
        ),
        "docs.aws.amazon.com, quotas of API Gateway (REST; HTTP APIs: 30 s, 503) and Lambda, Nov 2026",
    ),
    "netlify-functions": Preset(
        Platform(AnswerLimit(60.0, 504, body="Task timed out")), "docs.netlify.com/functions, limits, Nov 2026"
    ),
    "netlify-background": Preset(
        Platform(
            AnswerLimit(
                0.0,
                202,
                body="",
                handler_ends_s=15 * MINUTE_S,
                callbacks_only=True,
                runs_again_s=(1 * MINUTE_S, 2 * MINUTE_S),
            )
        ),
        "docs.netlify.com/functions, background functions, Nov 2026; here for callbacks alone, since a request for a "
        "track needs an answer",
    ),
    "render-free": Preset(_SLEEPING, "render.com/docs/free, Nov 2026"),
    "fly-autostop": Preset(_SLEEPING, "fly.io/docs, autostop of machines, Nov 2026; the idle time as render-free"),
}
"""The platforms that a scenario or a harness.toml can name. All figures are documented, none is measured."""
