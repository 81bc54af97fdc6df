"""The paths at which the providers create tasks."""

GENERATE_MUSIC = "/api/v1/generate"
GENERATE_IMAGE = "/api/v1/generate/image"
CREATE_IMAGE_TASK = "/api/v1/jobs/createTask"
GENERATE_4O_IMAGE = "/api/v1/gpt4o-image/generate"
GENERATE_KONTEXT = "/api/v1/flux/kontext/generate"
IMAGE_PATHS = (GENERATE_IMAGE, CREATE_IMAGE_TASK, GENERATE_4O_IMAGE, GENERATE_KONTEXT)
OWN_COVER = "/api/v1/suno/cover/generate"
"""Suno's own picture for a song."""
VARIANT_PATHS = tuple(
    f"{GENERATE_MUSIC}/{name}" for name in ("extend", "upload-cover", "upload-extend", "add-vocals", "add-instrumental")
)
"""Songs that are made from another one."""
EXTRA_PATHS = (
    OWN_COVER,
    "/api/v1/lyrics",
    "/api/v1/wav/generate",
    "/api/v1/vocal-removal/generate",
    "/api/v1/mp4/generate",
    "/api/v1/midi/generate",
    "/api/v1/style/generate",
    "/api/v1/generate/get-timestamped-lyrics",
)
"""What else is ordered from the music provider, beside music."""
CREATING_PATHS = (GENERATE_MUSIC, *IMAGE_PATHS, *VARIANT_PATHS, *EXTRA_PATHS)
