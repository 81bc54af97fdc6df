"""Faults of a response's body or of the headers that describe it; the connection stays intact."""

import zlib
from dataclasses import dataclass, replace
from typing import ClassVar

from harness.faults.exchange import ResponseInTransit
from harness.faults.kinds import ResponseFault

GZIP_WBITS = 31
"""The `wbits` of zlib for a gzip header."""


@dataclass(frozen=True, slots=True)
class EmptyBody(ResponseFault):
    """The response has the correct status and an empty body."""

    name: ClassVar[str] = "empty-body"

    def alter(self, response: ResponseInTransit) -> ResponseInTransit:
        return response.with_body(b"")


@dataclass(frozen=True, slots=True)
class BrokenJson(ResponseFault):
    """The body is complete but not valid JSON: a quotation mark is missing."""

    name: ClassVar[str] = "broken-json"

    def alter(self, response: ResponseInTransit) -> ResponseInTransit:
        return response.with_body(response.body.replace(b'"', b"", 1))


@dataclass(frozen=True, slots=True)
class CutOffJson(ResponseFault):
    """The body is cut in half and content-length matches, so the response looks complete to the client."""

    name: ClassVar[str] = "cut-off-json"

    def alter(self, response: ResponseInTransit) -> ResponseInTransit:
        return response.with_body(response.half())


@dataclass(frozen=True, slots=True)
class AlteredAnswer(ResponseFault):
    """Every occurrence of a text in the response's body is replaced."""

    name: ClassVar[str] = "altered-answer"
    is_failure: ClassVar[bool] = False
    """What the response says then is what counts."""
    text: str = '"code":200'
    by: str = '"code":500'

    @property
    def can_act(self) -> bool:
        return self.text != self.by

    def alter(self, response: ResponseInTransit) -> ResponseInTransit:
        body = response.body.replace(self.text.encode(), self.by.encode())
        return response if body == response.body else response.with_body(body)


@dataclass(frozen=True, slots=True)
class WrongContentType(ResponseFault):
    """The body is correct but has another content type."""

    name: ClassVar[str] = "wrong-content-type"
    type: str = "text/html; charset=utf-8"

    def alter(self, response: ResponseInTransit) -> ResponseInTransit:
        headers = [*response.without(b"content-type"), (b"content-type", self.type.encode())]
        return replace(response, headers=headers)


@dataclass(frozen=True, slots=True)
class CorruptGzip(ResponseFault):
    """The body claims to be gzip but is corrupt in the middle of the stream: a block of an invalid type."""

    name: ClassVar[str] = "corrupt-gzip"

    def alter(self, response: ResponseInTransit) -> ResponseInTransit:
        packer = zlib.compressobj(wbits=GZIP_WBITS)
        whole = packer.compress(response.half()) + packer.flush(zlib.Z_FULL_FLUSH)
        return response.with_body(whole + b"\xff" * 16, (b"content-encoding", b"gzip"))


@dataclass(frozen=True, slots=True)
class OversizedBody(ResponseFault):
    """The correct JSON is followed by megabytes of white space."""

    name: ClassVar[str] = "oversized-body"
    size: int = 16 * 1024 * 1024

    def alter(self, response: ResponseInTransit) -> ResponseInTransit:
        return response.with_body(response.body + b" " * self.size)
