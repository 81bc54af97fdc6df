"""The songs of an account: what a request means that names a music task, or one of its tracks."""

from typing import Any, NamedTuple

from harness.fakes.account import Account
from harness.fakes.script import Failure
from harness.fakes.suno.contract import SunoTrack
from harness.fakes.suno.records import MusicTask
from harness.fakes.tasks import TaskRecords

UNKNOWN_SONG = "Original music record does not exist"
"""Captured for Suno's own cover; that the other endpoints say the same is inferred."""


class Song(NamedTuple):
    """A music task and one of its tracks."""

    task: MusicTask
    track: SunoTrack
    place: int


class Songs:
    """All songs of one fake's account, by task and by track."""

    def __init__(self, tasks: TaskRecords[MusicTask], account: Account) -> None:
        self._tasks = tasks
        self._account = account

    def find(self, task_id: str | None, audio_id: str | None) -> Song | None:
        """Return the track of a task, its first one without `audio_id`; None if there is none such.

        Without a task id every task is searched.
        """
        if task_id is not None:
            named = self._tasks.get(task_id)
            tasks = [] if named is None else [named]
        else:
            tasks = list(self._tasks)
        for task in tasks:
            for index, track in enumerate(task.tracks):
                if audio_id in (None, track.id):
                    return Song(task, track, index)
        return None

    def asked_for(self, body: dict[str, Any]) -> Song | None:
        """Return the song that a request names by taskId, audioId or both."""
        return self.find(body.get("taskId"), body.get("audioId"))

    def refuse_unknown(self, body: dict[str, Any]) -> Failure | None:
        """Return the refusal of a request for a song that the account does not have."""
        if self.asked_for(body) is not None:
            return None
        return self._account.failure(422, UNKNOWN_SONG)
