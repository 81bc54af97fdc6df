"""The shop that reports what goes wrong to Sentry."""

import sentry_sdk
import with_nothing

sentry_sdk.init("https://key@sentry.example/1", traces_sample_rate=1.0)


async def app(scope, receive, send):
    if scope["type"] == "http":
        sentry_sdk.capture_message("a request", level="error")
    with sentry_sdk.start_transaction(name="request"):
        await with_nothing.app(scope, receive, send)
