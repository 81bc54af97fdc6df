"""HdrHistograms: a latency's values in the interchange format (V2, compressed) that HdrHistogram's readers support.

The layout is that of HdrHistogram 2: a header, then the counts as zigzag LEB128 with runs of zeros as negative numbers,
deflated, in base64. Values are whole milliseconds with three significant digits.
"""

import struct
import zlib
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Sequence

COOKIE = 0x1C849303
COMPRESSED_COOKIE = 0x1C849304
WORD_SIZE_1 = 0x10
DIGITS = 3
HIGHEST_MS = 24 * 3_600_000
SUB_BUCKETS = 2_048
"""The smallest power of two that keeps three digits: 2 * 10^3 rounded up."""
_HALF = SUB_BUCKETS // 2
_HALF_BITS = _HALF.bit_length() - 1


def place_of(milliseconds: int) -> int:
    """Return the index of a value's count."""
    bucket = max(0, milliseconds.bit_length() - _HALF_BITS - 1)
    return ((bucket + 1) << _HALF_BITS) + (milliseconds >> bucket) - _HALF


def encoded(seconds: Sequence[float]) -> str:
    """Return the histogram of some times in the format of HdrHistogram logs; times longer than a day count as a day."""
    counts = Counter(place_of(min(round(value * 1000), HIGHEST_MS)) for value in seconds)
    payload = b"".join(_words(counts))
    head = struct.pack(">iiiiqqd", COOKIE | WORD_SIZE_1, len(payload), 0, DIGITS, 1, HIGHEST_MS, 1.0)
    deflated = zlib.compress(head + payload, 9)
    return b64encode(struct.pack(">ii", COMPRESSED_COOKIE | WORD_SIZE_1, len(deflated)) + deflated).decode("ascii")


def _words(counts: Counter[int]) -> Iterable[bytes]:
    following = 0
    for place in sorted(counts):
        if place > following:
            yield _leb128(following - place)
        yield _leb128(counts[place])
        following = place + 1


def _leb128(number: int) -> bytes:
    """Return a signed number as zigzag LEB128; 64 bits need nine bytes at most, the last with eight bits of data."""
    value = (number << 1) ^ (number >> 63)
    reported = bytearray()
    while value >> 7 and len(reported) < 8:
        reported.append((value & 0x7F) | 0x80)
        value >>= 7
    reported.append(value & 0xFF)
    return bytes(reported)
