"""How the requests of a started application reach the fakes: the environment that its `reach` in harness.toml asks for.

`redirect` knows the variables; here they are put together for one run.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.config.app_config import Settings
from harness.world.live.fakes import LiveFakes
from harness.world.live.proxy import Authority
from harness.world.live.redirect import allow_databases, follow_python, preload_also, with_fakes
from harness.world.live.supabase_host import SupabaseHost


async def reach_of(
    settings: Settings,
    providers: LiveFakes,
    supabase: SupabaseHost | None,
    scratch: Path,
    followed: Path,
    on_late_answer: Callable[[int, int], None],
) -> Mapping[str, str]:
    """Return the variables, once the fakes and the stand-in for Supabase listen.

    `followed` is a file that a Python process makes once it follows what a request causes; for `on_late_answer` see
    `LiveFakes.preload`.
    """
    application = settings.application
    stores = [] if supabase is None else [supabase.url]
    if application.reach == "preload":
        preloaded = await providers.preload(application.environment.get("NODE_OPTIONS"), on_late_answer=on_late_answer)
        reach = allow_databases(preloaded, {**os.environ, **application.environment}.values())
        if supabase is not None and settings.supabase is not None and settings.supabase.host:
            return preload_also(reach, settings.supabase.host, supabase.url)
        return with_fakes(reach, stores) if stores else reach
    proxied = await providers.proxy(Authority(scratch)) if application.reach == "proxy" else {}
    urls = [providers.url(name) for name in providers.ports]
    return follow_python(proxied, [*urls, *stores], followed)
