"""How an application with hard-coded hosts reaches the served fakes: a preloaded module for Node, and a proxy.

Files and ports stay the same while the scenario is switched, so that a running application keeps reaching the fakes.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from harness.world.live.fakes import LiveFakes
from harness.world.live.proxy import Authority
from harness.world.live.redirect import write_preload
from harness.world.scratch import new_folder

CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
PROXY_VARIABLES = ("HTTPS_PROXY", "http_proxy", "NO_PROXY", *CERTIFICATES)
"""What Python, curl and most other clients read; curl reads `http_proxy` only in small letters."""


class HardCodedHosts:
    """The environment variables for hard-coded hosts, valid once `open` has returned."""

    def __init__(self) -> None:
        self._folder = new_folder("serve")
        self._authority = Authority(self._folder)
        self._strangers_port = self._proxy_port = 0
        self.preload: Mapping[str, str] = {}
        """For a Node process."""
        self.proxy: Mapping[str, str] = {}
        """For any process whose client honours a proxy."""

    async def open(self, fakes: LiveFakes) -> None:
        """Lead to `fakes` until these are closed; files keep their addresses on this machine."""
        preload = await fakes.preload("", self._strangers_port)
        proxy = await fakes.proxy(self._authority, self._proxy_port)
        fakes.media.base_url = fakes.url("media")
        self._strangers_port = _port_of(preload["HARNESS_STRANGERS"])
        self._proxy_port = _port_of(proxy["HTTPS_PROXY"])
        self.preload = {"NODE_OPTIONS": write_preload(preload, self._folder / "preload.cjs")}
        self.proxy = {name: proxy[name] for name in PROXY_VARIABLES}


def _port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
