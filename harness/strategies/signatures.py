"""Verifying that a callback was signed with the signing key, and recently.

The signature covers the task id and the time, not the body: a valid signature says that something happened to that
task, and the rest of the message must not be trusted.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence

TOLERANCE_S = 300.0
TIMESTAMP_HEADER, SIGNATURE_HEADER = "x-webhook-timestamp", "x-webhook-signature"


def is_genuine(keys: Sequence[str], task_id: str, headers: Mapping[str, str]) -> bool:
    """Return whether `headers` have base64(HMAC-SHA256(key, taskId + "." + timestamp)) with one of the keys, and a
    recent timestamp."""
    timestamp, signature = headers.get(TIMESTAMP_HEADER, ""), headers.get(SIGNATURE_HEADER, "")
    if not (timestamp.isascii() and timestamp.isdigit()) or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return False
    signed = f"{task_id}.{timestamp}".encode()
    digests = (hmac.new(key.encode(), signed, hashlib.sha256).digest() for key in keys)
    return any(hmac.compare_digest(base64.b64encode(digest), signature.encode()) for digest in digests)
