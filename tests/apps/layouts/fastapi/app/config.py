from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    api_prefix: str = "/api/v1"
    suno_base_url: str = "https://api.sunoapi.org"
    suno_api_key: str
    kie_base_url: str = "https://api.kie.ai"
    kie_api_key: str
    callback_base_url: str
    database_path: str = "songs.db"
    stripe_secret_key: str


settings = Settings()
