import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
DEBUG = os.environ.get("DJANGO_DEBUG") == "1"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "site_config.urls"
INSTALLED_APPS = ["songs"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.getenv("DATABASE_PATH", BASE_DIR / "db.sqlite3")}
}
USE_TZ = True
SUNO_API_URL = os.getenv("SUNO_API_URL", "https://api.sunoapi.org")
KIE_API_URL = os.getenv("KIE_API_URL", "https://api.kie.ai")
PROVIDER_KEY = os.environ["KIE_API_KEY"]
SITE_URL = os.environ["SITE_URL"]
