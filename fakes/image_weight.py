"""The weight of picture files: a drawn PNG compresses to a hundredth of what a provider's picture of its size weighs.

Applications judge files by their weight, so those of the providers weigh as much as captured ones. What is missing is
one chunk that every decoder skips, which costs a copy where real detail would cost a tenth of a second to encode.
"""

import struct
import zlib
from functools import lru_cache

PNG_BYTES_PER_PIXEL = 1.2
"""A captured PNG of 1280x720 has 1,109,411 bytes."""
_CHUNK = b"deTl"
"""Ancillary, private, safe to copy: unknown to every decoder, and ignored by all."""
_IEND_BYTES = 12
_CHUNK_OVERHEAD_BYTES = 12


def weighed_png(content: bytes, pixels: int) -> bytes:
    """Return a complete PNG that weighs as much as a captured one with so many pixels, or as it is if that is more."""
    missing = round(pixels * PNG_BYTES_PER_PIXEL) - len(content) - _CHUNK_OVERHEAD_BYTES
    if missing <= 0:
        return content
    return content[:-_IEND_BYTES] + _ballast(missing) + content[-_IEND_BYTES:]


@lru_cache(maxsize=4)
def _ballast(length: int) -> bytes:
    body = _CHUNK + bytes(length)
    return struct.pack(">I", length) + body + struct.pack(">I", zlib.crc32(body))
