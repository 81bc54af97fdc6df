"""Faults of a response's body or of what its headers say about it; the connection stays sound."""

import zlib
from dataclasses import dataclass, replace
from typing import ClassVar

from harness.faults.exchange import Response
from harness.faults.kinds import ResponseFault

GZIP_WBITS = 31
"""zlib's word for: with a gzip header."""


@dataclass(frozen=True, slots=True)
class EmptyBody(ResponseFault):
    """The status is right and the body has no bytes."""

    name: ClassVar[str] = "empty-body"

    def alter(self, response: Response) -> Response:
        return response.with_body(b"")


@dataclass(frozen=True, slots=True)
class BrokenJson(ResponseFault):
    """The body has its whole length and is not JSON: a quotation mark is missing."""

    name: ClassVar[str] = "broken-json"

    def alter(self, response: Response) -> Response:
        return response.with_body(response.body.replace(b'"', b"", 1))


@dataclass(frozen=True, slots=True)
class CutOffJson(ResponseFault):
    """The body ends after half, with a content-length that says so: to the client the answer is complete."""

    name: ClassVar[str] = "cut-off-json"

    def alter(self, response: Response) -> Response:
        return response.with_body(response.half())


@dataclass(frozen=True, slots=True)
class WrongContentType(ResponseFault):
    """The body is right and its content type is another one."""

    name: ClassVar[str] = "wrong-content-type"
    type: str = "text/html; charset=utf-8"

    def alter(self, response: Response) -> Response:
        headers = [*response.without(b"content-type"), (b"content-type", self.type.encode())]
        return replace(response, headers=headers)


@dataclass(frozen=True, slots=True)
class CorruptGzip(ResponseFault):
    """The body says it is gzip and breaks in the middle of the stream: a block of a type that does not exist."""

    name: ClassVar[str] = "corrupt-gzip"

    def alter(self, response: Response) -> Response:
        packer = zlib.compressobj(wbits=GZIP_WBITS)
        whole = packer.compress(response.half()) + packer.flush(zlib.Z_FULL_FLUSH)
        return response.with_body(whole + b"\xff" * 16, (b"content-encoding", b"gzip"))


@dataclass(frozen=True, slots=True)
class OversizedBody(ResponseFault):
    """The right JSON, followed by megabytes of white space."""

    name: ClassVar[str] = "oversized-body"
    size: int = 16 * 1024 * 1024

    def alter(self, response: Response) -> Response:
        return response.with_body(response.body + b" " * self.size)
