from fastapi import FastAPI

from app.config import settings
from app.routes import callbacks, checkout, songs

app = FastAPI(title="Songs")
app.include_router(checkout.router, prefix=settings.api_prefix)
app.include_router(songs.router, prefix=settings.api_prefix)
app.include_router(callbacks.router)
