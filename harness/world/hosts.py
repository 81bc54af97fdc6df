"""The hosts of a world by their names, and which link a request to one of them belongs to."""

APPLICATION_HOST = "app.test"
KIE_HOST = "api.kie.ai"
SUNO_HOST = "api.sunoapi.org"
MEDIA_HOSTS = ("tempfile.aiquickdraw.com", "musicfile.kie.ai", "cdn1.suno.ai", "cdn2.suno.ai")
KIE_PATHS = ("/api/v1/generate/image", "/api/v1/jobs/", "/api/v1/common/")


def provider_link(path: str) -> str:
    """Which of the two providers behind one host a path belongs to."""
    return "kie" if path.startswith(KIE_PATHS) else "suno"


def store_link(path: str) -> str:
    """Everything that a live application's store serves is one link."""
    return "store"


def media_link(path: str) -> str:
    """Everything that the media hosts serve is one link."""
    return "media"
