"""A chronicle: a journal made by hand, in the words of what happened, for what no run shows so plainly."""

from typing import Any

from harness.invariants.judge import judge
from harness.invariants.verdict import Verdict
from harness.trace.events import Facts, ImageProbed
from harness.trace.journal import Journal

SUNO, KIE, APP, MEDIA = "api.sunoapi.org", "api.kie.ai", "app.test", "tempfile.aiquickdraw.com"
KEY = "key-of-the-account"
FLAT, JOBS = "/api/v1/generate/image", "/api/v1/jobs/createTask"
MISSING: Facts = {"decodes": False, "format": None, "width": None, "height": None, "mark": None, "status": 404}


class Chronicle:
    """Writes entries as a world would. A picture put on a track is looked at: at once, at the end, and later."""

    def __init__(self, tracks: int = 1, titles: tuple[str, ...] = (), **began: Any) -> None:
        self.journal = Journal()
        self.at_s = 0.0
        self.rows: dict[int, Facts | None] = {}
        self.pictures: dict[str, Facts] = {}
        self.flaws: dict[str, str | None] = {}
        self.silent: set[str] = set()
        """URLs of audio where there is none."""
        self.unknown: set[str] = set()
        """URLs on hosts that are not in the world."""
        self.tasks: dict[str, tuple[int, int]] = {}
        """Number of each task's request, and its ordinal at its provider."""
        hosts = {"app": [APP], "providers": [KIE, SUNO], "media": [MEDIA]}
        facts = {"scenario": "x/y", "implementation": "i", "seed": 1, "tracks": tracks, "deadline_s": 3600.0}
        rules = {"signing": False, "limit_s": None, "freezes": False, "delivery_answer_within_s": 15.0}
        self.note("run.began", **{**facts, **rules, "secrets": [KEY], "hosts": hosts, "impossible": {}, **began})
        self.submitted: list[int] = []
        for index in range(1, tracks + 1):
            title = titles[index - 1] if titles else f"Song {index}"
            self.submitted.append(
                self.note("track.submitted", track=index, title=title, prompt=f"the prompt of {index}")
            )
        for index in range(1, tracks + 1):
            self.note("track.accepted", self.submitted[index - 1], track=index, id=f"t{index}")
            self.write(index, self.submitted[index - 1], status="pending", title=f"Song {index}", audio_url=None)

    def note(self, kind: str, cause: int = 0, /, **facts: Any) -> int:
        return self.journal.add(self.at_s, kind, cause, facts)

    def request(self, path: str, cause: int = 0, *, host: str = KIE, by: str = APP, **facts: Any) -> int:
        link = {KIE: "kie", SUNO: "suno", MEDIA: "media"}.get(host, "app")
        method = "GET" if host == MEDIA else "POST"
        usual: Facts = {"scheme": "http", "link": link, "method": method, "headers": {}, "body": None}
        return self.note("request", cause, by=by, host=host, path=path, **{**usual, **facts})

    def respond(
        self,
        request: int,
        body: Any = None,
        status: int = 200,
        outcome: str = "answered",
        latency_s: float = 0.0,
        headers: dict[str, str] | None = None,
    ) -> int:
        facts = {"request": request, "outcome": outcome, "status": status, "latency_s": latency_s}
        return self.note("response", request, **facts, headers=headers or {}, body=body)

    def music(self, track: int = 1, **facts: Any) -> str:
        """A music task is accepted."""
        request = self.request("/api/v1/generate", self.submitted[track - 1], host=SUNO)
        return self._task(request, "suno", "music", prompt=f"the prompt of {track}", **facts)

    def image(self, track: int = 1, *, cause: int = 0, path: str = FLAT, **facts: Any) -> str:
        """Accept a picture task, synchronous unless `mode` says otherwise."""
        sent = {name: facts.pop(name, None) for name in ("body", "guessed")}
        request = self.request(path, cause or self.submitted[track - 1], **sent)
        return self._task(request, "kie", "image", prompt=f"cover: the prompt of {track}", **facts)

    def ordered(self, what: str, *, path: str, host: str = SUNO, body: Any = None, **facts: Any) -> str:
        """A task for another purpose is accepted."""
        request = self.request(path, self.submitted[0], host=host, body=body)
        return self._task(request, "suno" if host == SUNO else "kie", what, endpoint=path, **facts)

    def _task(self, request: int, provider: str, what: str, **facts: Any) -> str:
        number = 1 + sum(1 for name in self.tasks if name.startswith(what))
        task_id = f"{what}{number}"
        self.tasks[task_id] = request, number
        usual: Facts = {"endpoint": "", "mode": "synchronous", "title": None, "charged": 5, "requested": {}}
        shared = {"provider": provider, "task_id": task_id, "number": number, "what": what}
        self.note("task.created", request, **{**usual, **shared, **facts})
        return task_id

    def ends(self, task_id: str, *urls: str, failed: bool = False) -> int:
        """A task ends at the provider; its pictures are published if they were described before."""
        request, number = self.tasks[task_id]
        for url in urls:
            picture = self.pictures.get(url)
            if picture is not None and picture["mark"] is not None:
                size, made = [picture["width"], picture["height"]], picture["mark"]
                made_at = [made["made_width"], made["made_height"]]
                self.note(
                    "picture.published", request, url=url, mark=made, size=size, made=made_at, flaw=self.flaws[url]
                )
        provider = "suno" if task_id.startswith("music") else "kie"
        outcome, code = ("failed", 501) if failed else ("success", 200)
        facts = {"provider": provider, "task_id": task_id, "number": number}
        return self.note("task.ended", request, **facts, outcome=outcome, code=code, urls=list(urls))

    def answer_with(self, task_id: str, url: Any) -> int:
        """Return the synchronous response, with any value as its URL."""
        return self.respond(self.tasks[task_id][0], {"code": 200, "data": {"response": {"imageUrl": url}}})

    def call(
        self,
        task_id: str,
        callback: str = "complete",
        *,
        status: int | None = 200,
        body: Any = None,
        attempt: int = 1,
        genuine: bool = True,
        answered: bool = True,
        headers: dict[str, str] | None = None,
    ) -> int:
        """A delivery attempt that arrives; the number of the request as the implementation gets it."""
        cause = self.tasks[task_id][0] if task_id in self.tasks else 0
        shared = {"provider": "suno", "delivery": "d", "attempt": attempt}
        facts = {"task_id": task_id, "callback": callback, "genuine": genuine, "attempts": 4, "url": f"http://{APP}/"}
        sent = self.note("callback.attempt", cause, **shared, **facts, body=body, headers={})
        arrived = self.request("/callback", sent, host=APP, by=SUNO)
        if answered:
            self.respond(arrived, status=status or 500, latency_s=0.0 if status else 16.0, headers=headers)
            outcome = "timeout" if status is None else "answered"
            result = {"outcome": outcome, "status": status, "latency_s": 0.0, "accepted": status == 200}
            self.note("callback.answered", sent, **shared, **result, retry_in_s=None)
        return arrived

    def picture(
        self,
        url: str,
        width: int = 2048,
        height: int = 1152,
        *,
        number: int = 1,
        kind: str = "picture",
        made: tuple[int, int] | None = None,
        marked: bool = True,
        flaw: str | None = None,
    ) -> str:
        """Describes what looking at `url` shows from now on; `flaw` is what its provider says of it."""
        self.flaws[url] = flaw
        made_width, made_height = made or (width, height)
        mark = {"kind": kind, "number": number, "part": 0, "made_width": made_width, "made_height": made_height}
        shown = {"decodes": True, "format": "png", "width": width, "height": height, "status": 200, "problem": None}
        self.pictures[url] = {**shown, "mark": mark if marked else None}
        return url

    def write(self, track: int, cause: int = 0, /, **changes: Any) -> int:
        """Changes a track's row, which begins with the first write, and looks at a new picture."""
        before = self.rows.get(track)
        empty = dict.fromkeys(("image_url", "image_resolution", "image_label", "failure_reason"))
        after = {**(before or {"id": f"t{track}", **empty}), **changes}
        self.rows[track] = after
        number = self.note("store.write", cause, track_id=f"t{track}", before=before, after=after)
        url = after.get("image_url")
        if url and (url != (before or {}).get("image_url") or APP in url):
            self.look(track, url, "write", number)
        audio = after.get("audio_url")
        if audio and audio != (before or {}).get("audio_url"):
            self.listen(track, audio, "write", number)
        return number

    def delete(self, track: int, cause: int = 0) -> int:
        before, self.rows[track] = self.rows[track], None
        return self.note("store.write", cause, track_id=f"t{track}", before=before, after=None)

    def look(self, track: int, url: str, when: str, cause: int = 0) -> None:
        seen = self.pictures.get(url, {**MISSING, "problem": "it answers HTTP 404"})
        self.note("picture.probed", cause, track_id=f"t{track}", url=url, when=when, bytes=1, **seen)

    def listen(self, track: int, url: str, when: str, cause: int = 0) -> None:
        heard = {"status": 200, "problem": None, "plays": True, "format": "mp3"}
        if url in self.silent:
            heard = {"status": 404, "problem": "it answers HTTP 404", "plays": False, "format": None}
        if url in self.unknown:
            heard = {"status": None, "problem": "no such host is known", "plays": False, "format": None}
        self.note("audio.probed", cause, track_id=f"t{track}", url=url, when=when, bytes=1, **heard)

    def log(self, text: str, level: str = "info", cause: int = 0) -> int:
        return self.note("log", cause, level=level, logger="app", text=text)

    def end(
        self, *, ending: str = "quiescent", source: str | None = "sqlite", look: bool = True, later: bool = True
    ) -> Journal:
        """The end of the run: the final tracks, and their pictures at the end and after the retention."""
        self.note("run.ended", ending=ending, unanswered=[], waiting=[])
        for track, row in self.rows.items():
            self.note("track.final", track=track, id=f"t{track}", source=source, fields=row if source else None)
        for when in ("end", "retention") if later else ("end",):
            if look:
                self._look_back(when)
        return self.journal

    def _look_back(self, when: str) -> None:
        """Open the final files; at the end also every picture that was opened before."""
        rows = [(track, row) for track, row in self.rows.items() if row]
        pictures = [(track, row["image_url"]) for track, row in rows if row["image_url"]]
        if when == "end":
            pictures += [(int(e.event.track_id.removeprefix("t")), e.event.url) for e in self.journal.of(ImageProbed)]
        for track, url in dict.fromkeys(pictures):
            self.look(track, url, when)
        for track, url in [(track, row["audio_url"]) for track, row in rows if row.get("audio_url")]:
            self.listen(track, url, when)


def verdict(journal: Journal, invariant: str) -> Verdict:
    """One invariant's verdict on a journal."""
    return next(verdict for verdict in judge(journal) if verdict.invariant == invariant)


def violated(journal: Journal) -> tuple[str, ...]:
    """All that is violated in a journal."""
    return tuple(verdict.invariant for verdict in judge(journal) if verdict.state == "violated")
