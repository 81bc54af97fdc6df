"""Signatures: whether a callback was sent by somebody who knows the signing key, and recently.

What is signed is the task id and the time, not the body: a genuine signature says that something happened to that
task, and nothing else in the message is to be believed.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping

TOLERANCE_S = 300.0
TIMESTAMP_HEADER, SIGNATURE_HEADER = "x-webhook-timestamp", "x-webhook-signature"


def is_genuine(key: str, task_id: str, headers: Mapping[str, str]) -> bool:
    """Whether `headers` carry base64(HMAC-SHA256(key, taskId + "." + timestamp)) with a timestamp of these minutes."""
    timestamp, signature = headers.get(TIMESTAMP_HEADER, ""), headers.get(SIGNATURE_HEADER, "")
    if not (timestamp.isascii() and timestamp.isdigit()) or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return False
    digest = hmac.new(key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest), signature.encode())
