"""What the simulated world cannot run deterministically: it refuses with a message instead of a wrong verdict."""

LIVE_ADVICE = "use an asyncio client such as httpx.AsyncClient or aiohttp, or run the program as a real process"

NO_STORE_FOR_FAULTS = (
    "this scenario has faults of the store, which need a live application with the Supabase stand-in: add "
    "[supabase] to its harness.toml"
)


class Refused(RuntimeError):
    """Raised when the code under test does something that has no virtual time; the message says what to do instead."""
