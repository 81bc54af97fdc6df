"""The paths at which the providers create tasks."""

GENERATE_MUSIC = "/api/v1/generate"
GENERATE_IMAGE = "/api/v1/generate/image"
CREATE_IMAGE_TASK = "/api/v1/jobs/createTask"
IMAGE_PATHS = (GENERATE_IMAGE, CREATE_IMAGE_TASK)
CREATING_PATHS = (GENERATE_MUSIC, *IMAGE_PATHS)
