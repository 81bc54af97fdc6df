"""The walker of one track: reads its story, does the next deed, writes down what came of it, and rests in between."""

import asyncio
import contextlib
import logging
import time
import uuid
from typing import Any

from tests.oracles.second.book import Book
from tests.oracles.second.eyes import Look, is_whole_song, look_at
from tests.oracles.second.story import FETCHES_AFTER_S, Deed, Order, Story
from tests.oracles.second.wire import (
    FILE_PATIENCE_S,
    Answer,
    Wire,
    addresses,
    field,
    is_ours_to_fetch,
    song_in,
    song_told,
)

ORDERING, DELIVERED, NO_COVER = "ordering a picture", "a 2K picture is on the track", "the song came without a cover"
MUSIC_LOOKS_AFTER_S = (120.0, 30.0, 30.0, 30.0, 60.0)
PICTURE_LOOKS_AFTER_S = (10.0, 10.0, 15.0, 20.0, 30.0)
"""Waits before the looks at a record that nobody called for; the last one serves all later looks."""
LOOKS_APART_S = 1.0
SILENT_LOOKS_MAX = 5
"""After so many looks at a record that does not know what a callback has told, the callback's words have to do."""
REFUSAL_WAITS_S = (10.0, 20.0, 40.0, 60.0, 90.0)
HARD_REFUSAL_WAIT_S = 30.0
DEED_S_MAX = 250.0
"""Longer than any deed takes; the track of a process that died meanwhile is free again then."""
OTHERS_WALK_S = 1.0
RECORDING_PATIENCE_S, EARLY_PATIENCE_S = 1800.0, 20.0
"""The audio of a track that is finished may take its time."""
RECORDING_BEGINS = (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"RIFF", b"OggS")
log = logging.getLogger("second")


class Walker:
    """One track's worker; at most one of its deeds is under way at any time."""

    def __init__(self, track: str, book: Book, wire: Wire, signing: bool) -> None:
        self.track, self.book, self.wire, self.signing = track, book, wire, signing
        self._task: asyncio.Task[None] | None = None
        self._bell, self._resting = asyncio.Event(), asyncio.Event()
        self._called: set[tuple[str, int]] = set()
        self._looks: dict[tuple[str, int], int] = {}
        self._misses: dict[tuple[str, int], int] = {}
        self._looked_at_s: dict[tuple[str, int], float] = {}
        self._fetches: dict[str, int] = {}
        self._fetched_at_s: dict[str, float] = {}

    @property
    def story(self) -> Story:
        return self.book.story(self.track)

    def begin(self) -> None:
        """Start walking, or look up from resting."""
        self._resting.clear()
        self._bell.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._walk())

    def wake(self, what: str, slot: int, task: str | None) -> None:
        """Somebody says that there is news of an order."""
        self._called.add((what, slot))
        self.begin()

    async def pause(self, patience_s: float) -> None:
        """Wait until the walker rests, or for `patience_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._resting.wait()

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _walk(self) -> None:
        while (deed := self._next()) is not None:
            now_s = time.time()
            if deed.not_before_s > now_s:
                await self._rest(deed.not_before_s - now_s)
            elif not self.book.take(self.track, now_s, now_s + DEED_S_MAX):
                await self._rest(OTHERS_WALK_S)
            elif not self._forgot_what_was_under_way() and deed.what != "wait":
                await self._do_carefully(deed)
        self.book.leave(self.track)
        self._resting.set()

    async def _do_carefully(self, deed: Deed) -> None:
        try:
            await self._do(deed)
        except Exception as error:
            log.exception("track %s: %s went wrong: %s", self.track, deed.what, type(error).__name__)
            await self._rest(30.0)

    async def _rest(self, wait_s: float) -> None:
        self.book.leave(self.track)
        self._bell.clear()
        self._resting.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._bell.wait()
        self._resting.clear()

    def _forgot_what_was_under_way(self) -> bool:
        """What was sent by a walker that is no more has lost its answer."""
        for name, orders in (("music", self.story.songs), ("order", self.story.orders)):
            if orders and orders[-1].task is None and orders[-1].outcome is None:
                self._write(f"{name}.lost", slot=orders[-1].slot, why="the process ended while it waited")
                return True
        return False

    # What is next

    def _next(self) -> Deed | None:
        called = next((deed for deed in map(self._deed_of_call, sorted(self._called)) if deed is not None), None)
        deed = called or self.story.next_deed(time.time())
        if deed is None:
            return None
        key = ("music" if deed.what == "look-at-music" else "picture", deed.slot)
        if deed.what == "look-at-order" and self._has_time_for_audio(key):
            return Deed("keep-audio")
        if deed.what in ("look-at-music", "look-at-order"):
            return Deed(deed.what, self._look_due_s(key), deed.slot)
        if deed.what == "fetch":
            return Deed(deed.what, self._fetch_due_s(self.story.orders[deed.slot].urls[0]), deed.slot)
        if deed.what == "keep-cover":
            return Deed(deed.what, self._fetch_due_s(str(self.story.cover_url)))
        if deed.what == "keep-audio":
            return Deed(deed.what, self._fetch_due_s(str(self.story.audio)))
        return deed

    def _has_time_for_audio(self, key: tuple[str, int]) -> bool:
        """Whether a picture takes long, so that the audio can be copied meanwhile, before the provider deletes it."""
        now_s = time.time()
        is_waiting = self._looks.get(key, 0) > 0 and self._look_due_s(key) > now_s
        return is_waiting and not self.story.audio_settled and self._fetch_due_s(str(self.story.audio)) <= now_s

    def _deed_of_call(self, call: tuple[str, int]) -> Deed | None:
        """What somebody's call is a reason to do, also on a track that is done."""
        what, slot = call
        story = self.story
        order = (story.songs if what == "music" else story.orders)[slot]
        over = (
            story.audio is not None
            if what == "music"
            else story.good is not None or order.outcome in ("poor", "failed")
        )
        if over:
            self._called.discard(call)
            return None
        if order.task is None:
            if order.outcome is None:
                return None  # its answer is still on the way, or its walker is no more, which shows later
            self._called.discard(call)
            return Deed("adopt-music" if what == "music" else "adopt-order", slot=slot)
        if what == "picture" and order.outcome == "made":
            return Deed("fetch", slot=slot)
        return Deed("look-at-music" if what == "music" else "look-at-order", slot=slot)

    def _look_due_s(self, key: tuple[str, int]) -> float:
        order = (self.story.songs if key[0] == "music" else self.story.orders)[key[1]]
        last_s = self._looked_at_s.get(key)
        if key in self._called:
            return 0.0 if last_s is None else last_s + LOOKS_APART_S
        waits = MUSIC_LOOKS_AFTER_S if key[0] == "music" else PICTURE_LOOKS_AFTER_S
        wait_s = waits[min(self._looks.get(key, 0), len(waits) - 1)]
        return (order.sent_at_s if last_s is None else last_s) + wait_s

    def _fetch_due_s(self, url: str) -> float:
        tries = self._fetches.get(url, 0)
        return self._fetched_at_s.get(url, 0.0) + FETCHES_AFTER_S[min(tries, len(FETCHES_AFTER_S) - 1)]

    # Deeds

    async def _do(self, deed: Deed) -> None:
        story = self.story
        match deed.what:
            case "ask-music" | "order":
                await self._create(deed.what)
            case "adopt-music" | "adopt-order":
                await self._adopt("music" if deed.what == "adopt-music" else "picture", deed.slot)
            case "look-at-music":
                await self._look_at_music(story.songs[deed.slot])
            case "look-at-order":
                await self._look_at_order(story.orders[deed.slot])
            case "keep-cover":
                await self._keep_cover(str(story.cover_url))
            case "keep-audio":
                await self._keep_audio(str(story.audio))
            case "fetch":
                await self._fetch(story.orders[deed.slot])
            case "call-overdue":
                self._write("order.overdue", slot=deed.slot, why="the picture was not finished in time")
            case "fail":
                log.error("track %s (%s): %s", self.track, story.title, deed.why)
                self._write("music.failed", why=deed.why)
            case "give-up":
                log.error("track %s (%s): %s", self.track, story.title, deed.why)
                self._write("gave-up", why=deed.why)

    async def _create(self, what: str) -> None:
        story, now_s = self.story, time.time()
        connect_hook = self.wire.music_gate if what == "ask-music" else self.wire.picture_gate
        opens_at_s = connect_hook.opens_at(now_s)
        if opens_at_s > now_s:
            await self._rest(opens_at_s - now_s)
            return
        if what == "ask-music":
            name, slot = "music", len(story.songs)
            self._write("music.sent")
            answer = await self.wire.ask_music(self.track, slot, story.title, story.prompt)
        else:
            name, slot = "order", len(story.orders)
            log.info("track %s: %s", self.track, ORDERING)
            self._write("order.sent")
            other = story.hard_refusals % 2 == 1 and "422" in story.trouble
            answer = await self.wire.order_picture(self.track, slot, story.title, story.prompt, other)
        self._write_down_answer(name, slot, answer)

    def _write_down_answer(self, name: str, slot: int, answer: Answer) -> None:
        if answer.kind == "accepted":
            self._write(f"{name}.accepted", slot=slot, task=answer.data)
            return
        log.warning("track %s: %s was %s: %s", self.track, name, answer.kind, answer.why)
        if answer.kind == "lost":
            self._write(f"{name}.lost", slot=slot, why=answer.why)
            return
        usual_s = REFUSAL_WAITS_S[min(self.story.refusals, len(REFUSAL_WAITS_S) - 1)]
        wait_s = max(answer.wait_s or 0.0, HARD_REFUSAL_WAIT_S if answer.hard else usual_s)
        until_s = time.time() + wait_s
        self._write(f"{name}.refused", slot=slot, why=answer.why, hard=answer.hard, until_s=until_s)

    async def _adopt(self, what: str, slot: int) -> None:
        """An order without an answer is heard of by callback: take the task for it, if its record says the same."""
        task = next((task for task, _ in self.book.callbacks(self.track, what, slot) if task), None)
        if task is None:
            return
        answer = await (self.wire.music_record(task) if what == "music" else self.wire.picture_record(task))
        mine = f"/{self.track}/{slot}"
        if answer.kind == "said" and mine in str(field(answer.data, "param") or mine):
            self._write("music.accepted" if what == "music" else "order.accepted", slot=slot, task=task)
            self._called.add((what, slot))

    async def _look(self, key: tuple[str, int], task: str) -> Answer:
        self._looked_at_s[key] = time.time()
        self._called.discard(key)
        self._looks[key] = self._looks.get(key, 0) + 1
        answer = await (self.wire.music_record(task) if key[0] == "music" else self.wire.picture_record(task))
        return answer

    def _believed(self, what: str, order: Order, answered: bool) -> list[Any]:
        """What callbacks said of an order, if its record goes on saying nothing.

        Bodies are not signed: where there is a signing key, a record that answers is the only witness.
        """
        if answered and self.signing:
            return []
        told = [body for _, body in self.book.callbacks(self.track, what, order.slot)]
        self._misses[what, order.slot] = self._misses.get((what, order.slot), 0) + bool(told)
        return told if self._misses[what, order.slot] >= SILENT_LOOKS_MAX else []

    async def _look_at_music(self, song: Order) -> None:
        answer = await self._look(("music", song.slot), str(song.task))
        heard = song_in(answer.data) if answer.kind == "said" else song_in(None)
        if heard.audio is None and heard.failed is None:
            told = [song_told(body) for body in self._believed("music", song, answer.kind == "said")]
            heard = next((song for song in told if song.audio), heard)
        if heard.audio is not None and self.story.audio is None:
            cover = heard.cover if is_ours_to_fetch(heard.cover) else None
            if cover is None:
                log.info("track %s: %s", self.track, NO_COVER)
            self._write("music.ready", audio=heard.audio, cover=cover)
        elif heard.failed is not None:
            log.error("track %s (%s): %s", self.track, self.story.title, heard.failed)
            self._write("music.failed", why=heard.failed)

    async def _look_at_order(self, order: Order) -> None:
        answer = await self._look(("picture", order.slot), str(order.task))
        said = answer.kind == "said"
        if said and self._write_down_result(order, answer.data):
            return
        for body in self._believed("picture", order, said):
            if list(addresses(body.get("data"))):
                self._write_down_result(order, body["data"])
                return

    def _write_down_result(self, order: Order, data: Any) -> bool:
        """Whether there was a result in it."""
        urls = list(dict.fromkeys(addresses(data)))
        state = field(data, "state")
        if urls:
            self._write("order.made", slot=order.slot, urls=urls)
        elif state == "fail":
            self._write("order.failed", slot=order.slot, why=f"the picture failed: {field(data, 'failMsg')}")
        elif data is None or state == "success":
            self._write("order.failed", slot=order.slot, why="the picture is said to be done, and nobody says where")
        else:
            return False
        return True

    async def _keep_cover(self, url: str) -> None:
        content = await self._file(url)
        if content is None:
            if self._fetches[url] >= len(FETCHES_AFTER_S):
                self._write("cover.useless", why="the cover cannot be fetched")
            return
        look = look_at(content)
        if look.presentable:
            self._write("cover.kept", **self._kept(content, look))
        else:
            self._write("cover.useless", why=look.problem)

    async def _keep_audio(self, url: str) -> None:
        patience_s = RECORDING_PATIENCE_S if self.story.settled else EARLY_PATIENCE_S
        self.book.take(self.track, time.time(), time.time() + patience_s + OTHERS_WALK_S)
        content = await self._file(url, patience_s)
        if content is not None and content.startswith(RECORDING_BEGINS) and is_whole_song(content):
            name = uuid.uuid4().hex
            self.book.keep_file(name, content)
            self._write("audio.kept", name=name)
        elif self.story.settled and self._fetches[url] >= len(FETCHES_AFTER_S):
            self._write("audio.useless", why="the audio cannot be fetched")

    async def _fetch(self, order: Order) -> None:
        url = order.urls[0]
        content = await self._file(url)
        if content is None:
            if self._fetches[url] >= len(FETCHES_AFTER_S):
                self._write("picture.poor", slot=order.slot, why="the picture cannot be fetched")
            return
        look = look_at(content)
        if look.problem is None:
            self._write("picture.good", slot=order.slot, **self._kept(content, look))
            log.info("track %s: %s", self.track, DELIVERED)
        elif look.presentable:
            self._write("picture.poor", slot=order.slot, why=look.problem, **self._kept(content, look))
        else:
            self._write("picture.poor", slot=order.slot, why=look.problem)

    async def _file(self, url: str, patience_s: float = FILE_PATIENCE_S) -> bytes | None:
        self._fetched_at_s[url] = time.time()
        self._fetches[url] = self._fetches.get(url, 0) + 1
        return await self.wire.file(url, patience_s)

    def _kept(self, content: bytes, look: Look) -> dict[str, Any]:
        name = uuid.uuid4().hex
        self.book.keep_file(name, content)
        return {"name": name, "width": look.width, "height": look.height}

    def _write(self, name: str, /, **data: Any) -> None:
        self.book.write(self.track, name, time.time(), **data)
