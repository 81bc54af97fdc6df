import os

from flask import Flask

from shop import store
from shop.views import api


def create_app() -> Flask:
    app = Flask(__name__)
    app.secret_key = os.environ["SECRET_KEY"]
    app.register_blueprint(api, url_prefix="/api")
    store.prepare()
    return app
