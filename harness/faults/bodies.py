"""Harms that spoil an answer's body or what its headers say of it; the connection stays sound."""

import zlib
from dataclasses import dataclass, replace
from typing import ClassVar

from harness.faults.exchange import Answer

GZIP_WBITS = 31
"""zlib's word for: with a gzip header."""


@dataclass(frozen=True, slots=True)
class EmptyBody:
    """The status is right and the body has no bytes."""

    name: ClassVar[str] = "empty-body"

    def spoil(self, answer: Answer) -> Answer:
        return answer.with_body(b"")


@dataclass(frozen=True, slots=True)
class BrokenJson:
    """The body has its whole length and is not JSON: a quotation mark is missing."""

    name: ClassVar[str] = "broken-json"

    def spoil(self, answer: Answer) -> Answer:
        return answer.with_body(answer.body.replace(b'"', b"", 1))


@dataclass(frozen=True, slots=True)
class CutOffJson:
    """The body ends after half, with a content-length that says so: to the client the answer is complete."""

    name: ClassVar[str] = "cut-off-json"

    def spoil(self, answer: Answer) -> Answer:
        return answer.with_body(answer.half())


@dataclass(frozen=True, slots=True)
class WrongContentType:
    """The body is right and its content type is another one."""

    name: ClassVar[str] = "wrong-content-type"
    type: str = "text/html; charset=utf-8"

    def spoil(self, answer: Answer) -> Answer:
        headers = [*answer.without(b"content-type"), (b"content-type", self.type.encode())]
        return replace(answer, headers=headers)


@dataclass(frozen=True, slots=True)
class CorruptGzip:
    """The body says it is gzip and breaks in the middle of the stream: a block of a type that does not exist."""

    name: ClassVar[str] = "corrupt-gzip"

    def spoil(self, answer: Answer) -> Answer:
        packer = zlib.compressobj(wbits=GZIP_WBITS)
        whole = packer.compress(answer.half()) + packer.flush(zlib.Z_FULL_FLUSH)
        return answer.with_body(whole + b"\xff" * 16, (b"content-encoding", b"gzip"))


@dataclass(frozen=True, slots=True)
class OversizedBody:
    """The right JSON, followed by megabytes of white space."""

    name: ClassVar[str] = "oversized-body"
    size: int = 16 * 1024 * 1024

    def spoil(self, answer: Answer) -> Answer:
        return answer.with_body(answer.body + b" " * self.size)
