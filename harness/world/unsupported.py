"""What the simulated world cannot do deterministically, it refuses: with a sentence, never with a wrong verdict."""

LIVE_ADVICE = "use an asyncio client such as httpx.AsyncClient or aiohttp, or run the program as a real process"

NO_STORE_FOR_FAULTS = (
    "this scenario harms the store, which only the stand-in for Supabase of a live application can be: "
    "[supabase] in its harness.toml"
)


class Refused(RuntimeError):
    """The code under test did something that has no virtual time; the message says what to do instead."""
