"""The shop without a framework, with which the others are compared."""

import json
from urllib.parse import parse_qs

import song


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        for stage in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{stage}.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    if scope["path"] == "/tracks":
        status, answer = 201, {"id": await song.order(json.loads(body))}
    else:
        await song.hear(parse_qs(scope["query_string"].decode())["track"][0])
        status, answer = 200, {"ok": True}
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
