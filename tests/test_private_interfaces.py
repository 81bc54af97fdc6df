"""Third parties' private interfaces that both worlds stand on are there; pyproject.toml has an upper bound for each."""

import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import time_machine
from anyio._backends._asyncio import AsyncIOBackend
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"


@pytest.mark.parametrize("package", ["anyio", "time-machine", "uvicorn"])
def test_a_package_with_a_private_interface_in_use_has_an_upper_bound(package: str) -> None:
    assert re.search(rf'^    "{package}>=[0-9.]+,<[0-9.]+; ', PYPROJECT.read_text("utf-8"), re.MULTILINE)


def test_a_queue_puts_and_gets_through_two_methods() -> None:
    assert list(inspect.signature(asyncio.Queue._put).parameters) == ["self", "item"]
    assert list(inspect.signature(asyncio.Queue._get).parameters) == ["self"]


def test_anyio_runs_threads_through_one_method() -> None:
    parameters = list(inspect.signature(AsyncIOBackend.run_sync_in_worker_thread).parameters)
    assert parameters == ["func", "args", "abandon_on_cancel", "limiter"]


def test_time_machine_asks_the_last_traveller_for_the_time() -> None:
    class Fixed(time_machine.Traveller):
        def time_ns(self) -> int:
            return 7_000_000_000

    travel: Any = time_machine.travel(0, tick=False)
    travel.start()
    time_machine.traveller_stack[-1] = Fixed(0, None, False)
    try:
        import time

        assert time.time() == 7.0
    finally:
        travel.stop()


@pytest.mark.asyncio
async def test_uvicorns_protocol_takes_the_state_of_each_request_from_its_connection() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        """Is never called."""

    config = Config(app, lifespan="off", log_config=None, ws="none", interface="asgi3")
    config.load()
    protocol = HttpToolsProtocol(config, ServerState(), {"wire": 1}, asyncio.get_running_loop())
    assert protocol.app_state == {"wire": 1}
    assert config.loaded_app is not None


def test_asyncios_loop_has_the_queues_that_the_simulated_one_moves() -> None:
    loop = asyncio.new_event_loop()
    try:
        timer = loop.call_later(1, print)
        handle = loop.call_soon(print)
        attributes = vars(loop)
        assert list(attributes["_scheduled"]) == [timer]
        assert handle in attributes["_ready"]
        assert {"_timer_cancelled_count", "_stopping", "_clock_resolution", "_asyncgen_firstiter_hook"} <= {
            *attributes,
            *dir(loop),
        }
        assert {"_callback", "_args", "_context", "_cancelled"} <= {*dir(handle)}
        assert {"_when", "_scheduled"} <= {*dir(timer)}
        assert callable(vars(asyncio.futures)["_set_result_unless_cancelled"])
    finally:
        loop.close()
