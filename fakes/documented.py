"""The endpoints that the providers' pages document, reproduced here or not: methods and paths, and nothing else.

A request to one of them that no fake serves is answered 501 and makes the run inconclusive; a request to any other path
is answered as the provider answers it, which is a violation of its contract. The pages are those of docs.kie.ai and
docs.sunoapi.org from August 2025 to October 2026, older ones included, since applications go on using what they name.
"""

import re
from functools import cache

from harness.fakes.script import DialectName

_MUSIC = """
POST /api/v1/generate
GET  /api/v1/generate/record-info
POST /api/v1/generate/extend
POST /api/v1/generate/upload-cover
POST /api/v1/generate/upload-extend
POST /api/v1/generate/add-vocals
POST /api/v1/generate/add-instrumental
POST /api/v1/generate/replace-section
POST /api/v1/generate/mashup
POST /api/v1/generate/sounds
POST /api/v1/generate/generate-persona
POST /api/v1/generate/get-timestamped-lyrics
POST /api/v1/suno/cover/generate
GET  /api/v1/suno/cover/record-info
POST /api/v1/lyrics
GET  /api/v1/lyrics/record-info
POST /api/v1/wav/generate
GET  /api/v1/wav/record-info
POST /api/v1/vocal-removal/generate
GET  /api/v1/vocal-removal/record-info
POST /api/v1/mp4/generate
GET  /api/v1/mp4/record-info
POST /api/v1/midi/generate
GET  /api/v1/midi/record-info
POST /api/v1/style/generate
POST /api/file-url-upload
POST /api/file-base64-upload
POST /api/file-stream-upload
"""
"""What both providers have."""
_KIE = """
GET  /api/v1/chat/credit
POST /api/v1/common/download-url
POST /api/v1/jobs/createTask
GET  /api/v1/jobs/recordInfo
POST /api/v1/playground/createTask
GET  /api/v1/playground/recordInfo
GET  /api/v1/models
GET  /api/v1/models/{model}/schema
GET  /api/v1/models/{model}/price
GET  /api/v1/models/{model}/success-rate
POST /api/v1/gpt4o-image/generate
GET  /api/v1/gpt4o-image/record-info
POST /api/v1/gpt4o-image/download-url
POST /api/v1/flux/kontext/generate
GET  /api/v1/flux/kontext/record-info
POST /api/v1/mj/generate
GET  /api/v1/mj/record-info
POST /api/v1/veo/generate
POST /api/v1/veo/extend
GET  /api/v1/veo/record-info
GET  /api/v1/veo/get-1080p-video
POST /api/v1/veo/get-4k-video
POST /api/v1/runway/generate
POST /api/v1/runway/extend
GET  /api/v1/runway/record-detail
POST /api/v1/aleph/generate
GET  /api/v1/aleph/record-info
POST /api/v1/modify/generate
GET  /api/v1/modify/record-info
POST /{model}/v1/chat/completions
POST /claude/v1/messages
"""
_SUNOAPI = """
GET  /api/v1/generate/credit
"""
_LISTS: dict[DialectName, str] = {"kie": _MUSIC + _KIE, "sunoapi.org": _MUSIC + _SUNOAPI}


def is_documented(dialect: DialectName, method: str, path: str) -> bool:
    """Return whether a page of the provider documents the method at the path."""
    return _pattern(dialect).fullmatch(f"{method} {path}") is not None


def documented_words() -> frozenset[str]:
    """Return every part of every documented path."""
    return frozenset(word for pages in _LISTS.values() for line in pages.split("\n") for word in line.split("/")[1:])


@cache
def _pattern(dialect: DialectName) -> re.Pattern[str]:
    """Return the expression for all endpoints of a provider; a name in braces may contain slashes, as models' do."""
    endpoints = (line.split() for line in _LISTS[dialect].split("\n") if line)
    found = (f"{method} " + re.sub(r"\\{\w+\\}", "[^?]+", re.escape(path)) for method, path in endpoints)
    return re.compile("|".join(found))
