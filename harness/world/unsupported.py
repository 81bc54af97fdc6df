"""What the simulated world cannot run deterministically: it refuses with a message instead of a wrong verdict."""

LIVE_ADVICE = "use an asyncio client such as httpx.AsyncClient or aiohttp, or run the program as a real process"
INSTEAD_OF_A_SOCKET = (
    "which would leave the simulated run; "
    "name the provider by its base URL, keep tracks in the SQLite file of DATABASE_PATH, and " + LIVE_ADVICE
)
INSTEAD_OF_A_PROCESS = "which would leave the simulated run and has no virtual time; run the program as a real process"
INSTEAD_OF_A_THREAD = (
    "outside virtual time, so that no two runs would be the same; use asyncio.to_thread, or the synchronous library "
    "directly (sqlite3 instead of aiosqlite), or " + LIVE_ADVICE
)

NO_STORE_FOR_FAULTS = (
    "this scenario has faults of the store, which need the Supabase stand-in in a live application: add [supabase] to "
    "its harness.toml; an SQLite file can have some of them in the simulated world, and in a live application "
    "store-locked alone, from a time until another, as the statements of its own library are out of reach"
)
NO_SQLITE_FOR_FAULTS = (
    "this scenario has faults of the store, but the application has not opened the SQLite file of DATABASE_PATH, where "
    "they would act"
)


def no_such_fault_of_sqlite(name: str) -> str:
    """Return why a fault on the way to the store cannot act in the simulated world."""
    return (
        f"an SQLite file cannot have the fault {name}, which needs a live application with the Supabase stand-in: add "
        "[supabase] to its harness.toml"
    )


class Refused(RuntimeError):
    """Raised when the code under test does something that has no virtual time; the message says what to do instead."""
