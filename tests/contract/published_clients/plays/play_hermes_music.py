"""Plays hermes-music: a song is ordered, waited for and downloaded. Arguments: a folder, and the provider's address."""

import json
import sys
from pathlib import Path

from hermes_music import suno

folder, url = sys.argv[1:]
suno.SUNO_API_BASE = f"{url}/api/v1"

task_id = suno.submit_generation("quiet rivers", style="folk", title="Quiet Rivers")
found = suno.poll_completion(task_id, max_wait=20, poll_interval=1)
path = suno.download_audio(found["tracks"][0]["audio_url"], f"{folder}/song.mp3")
print(json.dumps({**found, "bytes": Path(path).stat().st_size}))
