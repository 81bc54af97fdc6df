"""Next.js itself, in a production build, with the routes of `tests/apps/typescript`: it is judged as they are.

Its packages take minutes to install and to build, so it is run by `HARNESS_NEXTJS=1 python -m pytest -m ""` and this
file's name.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.engine.pool import run_pairs, workers_for
from harness.engine.run import resolve, run
from harness.scenario import catalogue
from harness.targets import load_live
from harness.world.live.faketime import library

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(shutil.which("npm") is None, reason="Node and npm are not installed"),
    pytest.mark.skipif(library() is None, reason="libfaketime is not installed: a process's clock cannot be sped up"),
    pytest.mark.skipif("HARNESS_NEXTJS" not in os.environ, reason="takes minutes; HARNESS_NEXTJS=1 runs it"),
    pytest.mark.timeout(1800),
]
APPS = Path(__file__).parents[1] / "apps"
SCENARIOS = (
    *("baseline/healthy", "baseline/healthy-no-cover", "slow/image-5s", "slow/image-16s", "slow/image-59s"),
    *("failing/code-500-once", "failing/image-url-missing", "low-resolution/image-1024x576"),
    *("callbacks/duplicate-complete", "callbacks/error-callback"),
)
"""Where the routes are judged as the strategy `synchronous` is."""
NOWHERE = {"SUPABASE_URL": "http://127.0.0.1:9", "SUPABASE_SERVICE_ROLE_KEY": "none", "NEXT_TELEMETRY_DISABLED": "1"}
"""A build loads the routes, which make a client of the store."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("next") / "covers"
    ignored = shutil.ignore_patterns("node_modules", "dist", "server.ts", "package*.json")
    shutil.copytree(APPS / "typescript", folder, ignore=ignored)
    shutil.copytree(APPS / "nextjs", folder, dirs_exist_ok=True)
    for words in (["ci", "--no-audit", "--no-fund", "--ignore-scripts"], ["run", "build"]):
        done = subprocess.run(
            ["npm", *words], cwd=folder, env=os.environ | NOWHERE, capture_output=True, text=True, check=False
        )
        if done.returncode != 0 and "registry" in done.stderr:
            pytest.skip(f"its packages cannot be installed: {done.stderr[-200:]}")
        assert done.returncode == 0, done.stderr
    configuration = folder / "harness.toml"
    text = configuration.read_text("utf-8").replace("node dist/server.js", "npm start")
    configuration.write_text(f'patience = "10m"\n{text}', "utf-8")
    return configuration


def test_it_is_judged_as_the_same_routes_without_next(built: Path) -> None:
    live = load_live(str(built), 50.0)
    scenarios = catalogue.select(SCENARIOS)
    results = run_pairs([(scenario, live) for scenario in scenarios], 1, workers_for([live]))
    found = {result.scenario: (sorted(result.violated), result.unknown) for result in results}
    strategy = resolve("synchronous")
    assert found == {each.name: (sorted(run(each, strategy, keep_journal=False).violated), ()) for each in scenarios}
