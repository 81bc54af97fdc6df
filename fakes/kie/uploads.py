"""The file upload of Kie.ai: three ways to give the provider a file, which it serves for a day.

It is on a host of its own, with the same key. The file at another provider's address is not fetched: that would be a
request of the provider's, and is not reproduced.
"""

import base64
import binascii
import re
import time
from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import HTTP
from functools import cached_property
from mimetypes import MimeTypes
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from harness.fakes.account import Account
from harness.fakes.published_files import Stored, UploadStore
from harness.fakes.responses import json_response, message_of
from harness.fakes.script import Failure
from harness.fakes.validation import Field, Form

URL_UPLOAD, BASE64_UPLOAD, STREAM_UPLOAD = "/api/file-url-upload", "/api/file-base64-upload", "/api/file-stream-upload"
UPLOADS = (URL_UPLOAD, BASE64_UPLOAD, STREAM_UPLOAD)
FILE_BYTES_MAX = 10 * 1024 * 1024
"""Documented for base64 alone; for the others, which take more, it is this fake's own limit."""
UPLOADED_MESSAGE = "File uploaded successfully"
ANY_TYPE = "application/octet-stream"
TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_SOURCE = "docs.kie.ai, file-upload-api, documented"
_SHARED = (Field("uploadPath", "text", _SOURCE, required=True), Field("fileName", "text", _SOURCE))
FORMS = {
    URL_UPLOAD: Form((Field("fileUrl", "url", _SOURCE, required=True), *_SHARED)),
    BASE64_UPLOAD: Form((Field("base64Data", "text", _SOURCE, required=True), *_SHARED)),
    STREAM_UPLOAD: Form((Field("file", "object", _SOURCE, required=True), *_SHARED)),
}
_TYPES = MimeTypes(filenames=())
"""The types that the standard library knows, whatever the machine's own files say."""


class Uploaded(NamedTuple):
    """What a request wants to upload."""

    content: bytes
    content_type: str
    folder: str
    name: str | None


class Uploads:
    """The three endpoints. An account's number is in the paths of its files."""

    def __init__(self, account: Account, files: UploadStore, seed: str) -> None:
        self._account = account
        self._files = files
        self._seed = seed

    @cached_property
    def _random(self) -> Random:
        return Random(self._seed)

    @cached_property
    def _number(self) -> int:
        return 10_000 + Random(f"{self._seed} account").getrandbits(16)

    async def answer(self, path: str, request: Request) -> Response:
        """Respond to an upload at one of the three paths."""
        if path == URL_UPLOAD:
            return await self._upload_url(request)
        return await (self._upload_base64 if path == BASE64_UPLOAD else self._upload_stream)(request)

    async def _upload_url(self, request: Request) -> Response:
        body = self._read(URL_UPLOAD, request, await request.body())
        if isinstance(body, Failure):
            return refusal(body)
        known = self._files.stored(body["fileUrl"])
        if known is None:
            return self._account.not_reproduced("POST", f"{URL_UPLOAD} of a file that is not the provider's own")
        name = body.get("fileName") or urlsplit(body["fileUrl"]).path.rpartition("/")[2]
        return self._keep(Uploaded(known.content, known.content_type, body["uploadPath"], name))

    async def _upload_base64(self, request: Request) -> Response:
        body = self._read(BASE64_UPLOAD, request, await request.body())
        if isinstance(body, Failure):
            return refusal(body)
        head, comma, data = body["base64Data"].rpartition(",")
        try:
            content = base64.b64decode("".join(data.split()), validate=True)
        except (binascii.Error, ValueError):
            return refusal(self._account.failure(400, "base64Data is not valid base64"))
        stated = head.removeprefix("data:").partition(";")[0] if comma else ""
        return self._keep(Uploaded(content, stated, body["uploadPath"], body.get("fileName")))

    async def _upload_stream(self, request: Request) -> Response:
        content = await request.body()
        lacks_key = self._account.lacks_key(request)
        if lacks_key is not None:
            return refusal(lacks_key)
        parts = form_parts(request.headers.get("content-type", ""), content)
        fields: dict[str, Any] = {name: part.text for name, part in parts.items() if name != "file"}
        file = parts.get("file")
        broken = self._problem(STREAM_UPLOAD, {**fields, "file": None if file is None else {}})
        if broken is not None:
            return refusal(broken)
        assert file is not None, "required"
        name = fields.get("fileName") or file.name
        return self._keep(Uploaded(file.content, file.content_type, fields["uploadPath"], name))

    def _read(self, path: str, request: Request, content: bytes) -> dict[str, Any] | Failure:
        body = self._account.read_object(path, request, content)
        return body if isinstance(body, Failure) else self._problem(path, body) or body

    def _problem(self, path: str, body: dict[str, Any]) -> Failure | None:
        problems = FORMS[path].problems(body)
        if not problems:
            return None
        self._account.break_contract(path, problems)
        return self._account.failure(400, f"{problems[0]['field']}: {problems[0]['rule']}")

    def _keep(self, file: Uploaded) -> Response:
        if len(file.content) > FILE_BYTES_MAX:
            return refusal(self._account.failure(400, f"a file may have {FILE_BYTES_MAX} bytes"))
        guessed = _TYPES.guess_type(file.name or "")[0]
        content_type = file.content_type if TYPE.fullmatch(file.content_type) else guessed or ANY_TYPE
        name = file.name or f"{self._random.getrandbits(64):016x}{_TYPES.guess_extension(content_type) or ''}"
        path = f"kieai/{self._number}/{file.folder.strip('/')}/{name}"
        url = self._files.store(f"/{path}", Stored(file.content, content_type))
        data = {
            "success": True,
            "fileName": name,
            "filePath": path,
            "downloadUrl": url,
            "fileSize": len(file.content),
            "mimeType": content_type,
            "uploadedAt": _iso_time(time.time()),
        }
        return json_response({"success": True, "code": 200, "msg": UPLOADED_MESSAGE, "data": data})


class FormPart(NamedTuple):
    """One part of a multipart form."""

    content: bytes
    content_type: str
    name: str | None
    """That of its file, if it is one."""

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


def form_parts(content_type: str, content: bytes) -> dict[str, FormPart]:
    """Return the parts of a multipart form (RFC 7578) by name; none of anything else."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + content)
    found: dict[str, FormPart] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            stated = part.get_content_type() if "content-type" in part else ""
            found[name] = FormPart(payload, stated, part.get_filename())
    return found


def refusal(failure: Failure) -> Response:
    """Return a refusal in the envelope of the uploads: under HTTP 200, with `success` before the code."""
    body = {"success": False, "code": failure.code, "msg": message_of(failure)}
    return json_response(body, failure.code if failure.as_http else 200)


def _iso_time(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
