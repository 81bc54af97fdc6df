"""A callback function that leaks whatever it can, in every form, and writes lines that a CI system might obey."""

import base64
import logging
import os
from typing import Any

import httpx

NAMED = (
    "token={}",
    'token = "{}"',
    "api_key: {}",
    "secret := {}",
    ':client_secret => "{}"',
    "export KIE_API_KEY={}",
    "run --password {} now",
    "run --api-key={} now",
    "the password is {}",
    "using API key {} here",
    "Authorization: Bearer {}",
    "authorization: Basic {}",
    "Cookie: session={}; theme=dark",
    "Set-Cookie: sid={}; Path=/",
    "{{'X-Api-Key': '{}'}}",
    '{{"accessToken": "{}"}}',
    '{{"body": "{{\\"refresh_token\\": \\"{}\\"}}"}}',
    "[('authorization', 'Bearer {}')]",
    "[(b'x-api-key', b'{}')]",
    '{{"name": "Cookie", "value": "{}"}}',
    "<password>{}</password>",
    "GET /callback?sig={}&size=2",
    "https://me:{}@files.test/a",
    "to=https%3A%2F%2Ffiles.test%3Ftoken%3D{}",
)
"""The forms in which a name says that a value is secret."""
PLANTED = [f"Zq{number:02d}x7Kp{number:02d}Vt" for number in range(len(NAMED) + 4)]
COMMANDS = (
    "::error file=app.py,line=1::forged",
    "::set-output name=verdict::held",
    "::add-mask::verdict",
    "##[error]forged",
    "##vso[task.complete result=Succeeded;]",
    "##teamcity[buildStatus status='SUCCESS']",
    "section_start:1700000000:forged\r\x1b[0K",
    "\x1b]0;forged\x07",
)


def by_value(key: str) -> dict[str, str]:
    """Return a secret of the run in other forms."""
    return {
        "plain": key,
        "upper": key.upper(),
        "base64": base64.b64encode(key.encode()).decode(),
        "basic": base64.b64encode(f"me:{key}".encode()).decode(),
        "percent": "".join(f"%{byte:02x}" for byte in key.encode()),
        "twice": "".join(f"%25{byte:02X}" for byte in key.encode()),
        "escaped": "".join(f"\\u{ord(character):04x}" for character in key),
        "hex": key.encode().hex(),
        "cut": key[:12],
    }


def lines() -> list[str]:
    """Return all lines that it logs."""
    named = [form.format(secret) for form, secret in zip(NAMED, PLANTED, strict=False)]
    return [*named, *(f"seen {form}" for form in by_value(os.environ["SUNO_API_KEY"]).values()), *COMMANDS]


async def on_music(payload: dict[str, Any], track: dict[str, Any]) -> dict[str, Any]:
    for line in lines():
        logging.error(line)
        print(line)
    header, cookie, parameter, field = PLANTED[-4:]
    async with httpx.AsyncClient(cookies={"session": cookie}, headers={"x-api-key": header}) as client:
        await client.post(f"{os.environ['KIE_BASE_URL']}/none?access_token={parameter}", json={"password": field})
    said = " | ".join(lines())
    return {"status": "complete", "audio_url": said, "failure_reason": said}
