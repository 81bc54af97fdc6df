"""What the harness sends to a live application: tracks that are asked for, and the providers' callbacks.

Both are written into the journal as the application's own host would see them: a request when it goes out, and the
answer, or that nobody waited for it any more.
"""

import asyncio
from urllib.parse import urlsplit

from fakes.post import Answer, Post, post
from harness.journal import body_facts
from harness.simulation.notebook import Notebook
from harness.simulation.places import CAUSE

JSON = "application/json"


def recorded(notebook: Notebook, by: str, host: str, send: Post = post) -> Post:
    """`send` with each request to the application, and what became of it, in the journal."""

    async def posting(url: str, content: bytes, headers: dict[str, str]) -> Answer:
        parts = urlsplit(url)
        number = notebook.note(
            "request",
            by=by,
            host=host,
            scheme=parts.scheme,
            link="app",
            method="POST",
            path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            headers={name.lower(): value for name, value in headers.items()},
            body=body_facts(content, JSON),
        )
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        context = CAUSE.set(number)
        try:
            answer = await send(url, content, headers)
        except asyncio.CancelledError:
            notebook.note("request.abandoned", number, request=number, after_s=round(loop.time() - began_s, 6))
            raise
        except Exception:
            notebook.note(
                "response",
                number,
                request=number,
                outcome="broken-off",
                status=None,
                latency_s=round(loop.time() - began_s, 6),
                headers={},
                body=None,
            )
            raise
        finally:
            CAUSE.reset(context)
        notebook.note(
            "response",
            number,
            request=number,
            outcome="answered",
            status=answer.status,
            latency_s=round(loop.time() - began_s, 6),
            headers={},
            body=body_facts(answer.body, JSON),
        )
        return answer

    return posting
