"""Songs made from another one: the endpoints that share the records and the callbacks of generate.

Of their fields only those are required without which the request means nothing; no source is sure of the others.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from harness.fakes.events import ContractProblem
from harness.fakes.paths import VARIANT_PATHS
from harness.fakes.suno import contract
from harness.fakes.validation import Field, Form

_DOCUMENTED = "fakes/FIDELITY.md section 1, documented"
MODEL_WITHOUT_ONE = "V4_5PLUS"
"""The documented default of adding vocals and instruments."""
INHERITED = ("prompt", "style", "title")
"""The fields of the request for the song, which apply to its extension where this has none [documented]."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One endpoint: where it is, and what it requires."""

    path: str
    operation: str
    """The operationType of its records: documented for the first three, inferred for the others."""
    source: str
    """The field with the song: `audioId` is one of the account's own songs, `uploadUrl` the address of any."""
    flags: tuple[str, ...] = ()
    requires_model: bool = True

    @property
    def custom_mode(self) -> str | None:
        """The field that says whether the request's own texts count; None if they always do."""
        return self.flags[0] if self.flags else None


_EXTEND, _UPLOAD_COVER, _UPLOAD_EXTEND, _ADD_VOCALS, _ADD_INSTRUMENTAL = VARIANT_PATHS
VARIANTS = (
    Variant(_EXTEND, "extend", "audioId", ("defaultParamFlag",)),
    Variant(_UPLOAD_COVER, "upload_cover", "uploadUrl", ("customMode", "instrumental")),
    Variant(_UPLOAD_EXTEND, "upload_extend", "uploadUrl", ("defaultParamFlag",)),
    Variant(_ADD_VOCALS, "add_vocals", "uploadUrl", requires_model=False),
    Variant(_ADD_INSTRUMENTAL, "add_instrumental", "uploadUrl", requires_model=False),
)


@cache
def form_of(variant: Variant, models: tuple[str, ...]) -> Form:
    """Return the fields of a request for a variant, from an API that accepts these models."""
    optional = [Field(name, "text", _DOCUMENTED) for name in ("prompt", "tags")]
    if "instrumental" not in variant.flags:
        optional.append(Field("instrumental", "flag", _DOCUMENTED))
    return Form(
        [
            Field(variant.source, "url" if variant.source == "uploadUrl" else "text", _DOCUMENTED, required=True),
            *(Field(flag, "flag", _DOCUMENTED, required=True) for flag in variant.flags),
            Field("model", "text", _DOCUMENTED, required=variant.requires_model, choices=models),
            contract.CALLBACK_URL,
            Field("continueAt", "number", _DOCUMENTED, low=0),
            *optional,
            *contract.STYLE_FIELDS,
        ]
    )


def problems(variant: Variant, rules: contract.Rules, body: dict[str, Any]) -> list[ContractProblem]:
    """Return the rules that a request breaks."""
    return form_of(variant, rules.models).problems(body) + rules.too_long(body, variant.custom_mode)


def inherited(variant: Variant, body: dict[str, Any], parent: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that a request leaves to the one for its song, or to the provider."""
    mode = variant.custom_mode
    own = body if variant.source == "uploadUrl" or mode is None or body.get(mode) is True else {}
    found = {name: parent[name] for name in INHERITED if parent.get(name) and not own.get(name)}
    return {"model": body.get("model") or parent.get("model") or MODEL_WITHOUT_ONE, **found}


def _route(variant: Variant) -> Route:
    async def endpoint(request: Request) -> Response:
        response: Response = await request.app.state.fake.create_variant(variant, request)
        return response

    return Route(variant.path, endpoint, methods=["POST"])


ROUTES = tuple(map(_route, VARIANTS))
"""All fakes share them, since a run makes new ones."""
