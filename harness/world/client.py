"""The user's part in a run: submits tracks to the implementation and reads them back."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from urllib.parse import quote

from harness.config.app_config import REQUEST, Start, at_path, filled_body
from harness.fakes import sample_text
from harness.fakes.http_client import BadResponseError, Post, post, sending
from harness.faults.exchange import App
from harness.json_text import parse_json
from harness.scenario.model import Scenario, UserAction
from harness.trace.events import (
    NeverActed,
    TrackAccepted,
    TrackDeletionAnswered,
    TrackDeletionRequested,
    TrackRefused,
    TrackRequestedAgain,
    TrackSubmitted,
)
from harness.world.journal_writer import JournalWriter
from harness.world.probe import get_json
from harness.world.scope import CAUSE

USER_PATIENCE_S = 300.0
"""Seconds after which a user's unanswered request for a track counts as never answered."""
EXCERPT_CHARACTERS = 120
START = Start()
"""The request that the shipped strategies expect."""
DELETE = "DELETE /tracks/{id}"
"""The same for a deletion."""
NO_DELETION = "there is no delete in [start] of its harness.toml"
NO_SUCH_ROUTE = (404, 405, 501)
"""The statuses of an application that cannot delete tracks."""

Ask: TypeAlias = Callable[[dict[str, str]], Awaitable[tuple[str | None, str]]]
"""Requests a track with a title and a prompt; returns its id, or None and the reason why there is none."""
Delete: TypeAlias = Callable[[str], Awaitable[tuple[int | None, str]]]
"""Deletes the track with an id; returns the HTTP status, None without a response, and what went wrong."""


def asking(url: str, start: Start = START, post: Post = post) -> Ask:
    """Return what requests a track from the application at `url`, as `start` says."""
    matched = REQUEST.fullmatch(start.request)
    assert matched is not None
    address, headers = url + matched[2], {"Content-Type": "application/json", **start.headers}

    async def ask(requested: dict[str, str]) -> tuple[str | None, str]:
        content = json.dumps(filled_body(start.body, requested)).encode()
        try:
            async with asyncio.timeout(USER_PATIENCE_S):
                response = await post(address, content, headers)
        except TimeoutError:
            return None, f"{start.request} got no answer within {USER_PATIENCE_S:g} s"
        except (OSError, BadResponseError) as error:
            return None, f"{start.request} got no answer: {error}"
        if response.status not in (200, 201, 202):
            return None, f"{start.request} answered HTTP {response.status}, expected 201"
        try:
            found = at_path(parse_json(response.body), start.id)
        except ValueError:
            found = None
        if isinstance(found, str | int) and found != "":
            return str(found), ""
        excerpt = repr(response.body[:EXCERPT_CHARACTERS].decode(errors="replace"))
        return None, f'{start.request} answered {excerpt}, expected JSON with the track\'s id at "{start.id}"'

    return ask


def deleting(url: str, start: Start = START, post: Post | None = None) -> Delete:
    """Return what deletes a track of the application at `url`, as `start` says. `post` sends by that method."""
    method, path = (start.delete or DELETE).split(" ", 1)
    send, headers = post or sending(method), dict(start.headers)

    async def delete(track_id: str) -> tuple[int | None, str]:
        target = path.replace("{id}", quote(track_id, safe=""))
        try:
            async with asyncio.timeout(USER_PATIENCE_S):
                status = (await send(url + target, b"", headers)).status
        except TimeoutError:
            return None, f"{method} {target} got no answer within {USER_PATIENCE_S:g} s"
        except (OSError, BadResponseError) as error:
            return None, f"{method} {target} got no answer: {error}"
        return status, "" if 200 <= status < 300 else f"{method} {target} answered HTTP {status}"

    return delete


def deletion_method(start: Start) -> str:
    """Return the method of the request that deletes a track."""
    return (start.delete or DELETE).partition(" ")[0]


class Users:
    """The users of a run: each requests a track, and then does what the scenario says."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        writer: JournalWriter,
        ids: list[str | None],
        status_of: Callable[[str], Awaitable[Any]],
    ) -> None:
        """`ids` are filled in, one for each request; `status_of` returns the status of the track with an id."""
        self._scenario = scenario
        self._writer = writer
        self._status_of = status_of
        self._ids = ids
        self._ids += [None] * scenario.tracks
        self._titles = sample_text.titles(seed, scenario.tracks)
        if scenario.title is not None:
            self._titles[0] = scenario.title
        self._prompts = [sample_text.prompt(seed, index) for index in range(scenario.tracks)]
        self._answered = [asyncio.Event() for _ in range(scenario.tracks)]
        """Whether there is a response to the first request for each track."""

    async def act(self, ask: Ask, delete: Delete | None) -> None:
        """Do everything. Without `delete` the application has no request for it."""
        tracks, actions = self._scenario.tracks, self._scenario.user
        if tracks == 1 and not actions:
            await self._submit(ask, 0, 0)
            return
        await asyncio.gather(
            *(self._submit(ask, index, index, index * self._scenario.apart_s) for index in range(tracks)),
            *(
                self._do(number, action, which, ask, delete)
                for number, action in enumerate(actions, start=1)
                for which in (range(tracks) if action.track is None else (action.track - 1,))
            ),
        )

    async def _do(self, number: int, action: UserAction, which: int, ask: Ask, delete: Delete | None) -> None:
        """Carry out the scenario's action with this number on the track number `which`, from 0."""
        after_s = which * self._scenario.apart_s + action.after_s
        if after_s:
            await asyncio.sleep(after_s)
        match action.does:
            case "ask-again":
                await self._ask_again(ask, which)
            case "ask-anew":
                await self._answered[which].wait()
                if await self._has_failed(which):
                    await self._ask_again(ask, which)
                else:
                    trouble = f"user action {number} (ask-anew, track {which + 1})"
                    self._writer.record(NeverActed(trouble=trouble, why="the track had not failed"), 0)
            case "delete":
                await self._answered[which].wait()
                await self._delete(delete, which)

    async def _has_failed(self, which: int) -> bool:
        """Return whether a track has failed, or its request was refused."""
        track_id = self._ids[which]
        return track_id is None or await self._status_of(track_id) == "failed"

    async def _ask_again(self, ask: Ask, which: int) -> None:
        self._ids.append(None)
        await self._submit(ask, len(self._ids) - 1, which)

    async def _submit(self, ask: Ask, index: int, which: int, after_s: float = 0.0) -> None:
        """Request the track number `which`, from 0, as the request number `index`."""
        if after_s:
            await asyncio.sleep(after_s)
        record, number = self._writer.record, index + 1
        if index != which:
            record(TrackRequestedAgain(track=number, of=which + 1), 0)
        title, prompt = self._titles[which], self._prompts[which]
        CAUSE.set(record(TrackSubmitted(track=number, title=title, prompt=prompt), 0))
        self._ids[index], problem = await ask({"title": title, "prompt": prompt})
        if self._ids[index] is None:
            record(TrackRefused(track=number, problem=problem))
        else:
            record(TrackAccepted(track=number, id=self._ids[index]))
        if index == which:
            self._answered[which].set()

    async def _delete(self, delete: Delete | None, which: int) -> None:
        """Delete a track, if there is one."""
        track_id, number = self._ids[which], which + 1
        if track_id is None:
            return
        CAUSE.set(self._writer.record(TrackDeletionRequested(track=number, id=track_id), 0))
        status, problem = (None, NO_DELETION) if delete is None else await delete(track_id)
        offered = delete is not None and status not in NO_SUCH_ROUTE
        answered = TrackDeletionAnswered(track=number, id=track_id, status=status, problem=problem, offered=offered)
        self._writer.record(answered)


async def read_track(app: App, track_id: str) -> dict[str, Any] | None:
    """Return the response to `GET /tracks/{id}`, or None if it is not usable."""
    try:
        answer = await get_json(app, f"/tracks/{track_id}")
    except Exception:
        return None  # the application's own error; the caller records that the track is unreadable
    return answer if isinstance(answer, dict) else None
