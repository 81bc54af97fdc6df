import os
import uuid

import requests
from flask import Blueprint, abort, jsonify, request

from shop.store import connect

api = Blueprint("api", __name__)
KEY = {"Authorization": f"Bearer {os.environ['SUNO_API_KEY']}"}


@api.route("/login", methods=["POST"])
def login():
    return jsonify(id=1)


@api.route("/tracks", methods=["POST"])
def create():
    if request.headers.get("X-Api-Key") != os.environ["SHOP_TOKEN"]:
        abort(401)
    wish = request.get_json()
    order = {
        "customMode": True,
        "instrumental": True,
        "model": "V5",
        "style": "calm",
        "title": wish["title"],
        "prompt": wish["prompt"],
        "callBackUrl": os.environ["PUBLIC_URL"] + "/api/suno-webhook",
    }
    answer = requests.post("https://api.sunoapi.org/api/v1/generate", json=order, headers=KEY, timeout=30)
    track_id = str(uuid.uuid4())
    row = (track_id, answer.json()["data"]["taskId"], wish["title"])
    connect().execute("INSERT INTO tracks (id, task_id, title, state) VALUES (?, ?, ?, 'waiting')", row)
    return jsonify(track={"id": track_id}), 201


@api.route("/suno-webhook", methods=["POST"])
def hear():
    data = request.get_json()["data"]
    db = connect()
    row = db.execute("SELECT title FROM tracks WHERE task_id = ? AND state = 'waiting'", (data["task_id"],)).fetchone()
    if row is None or data["callbackType"] != "complete":
        return jsonify(ok=True)
    order = {"model": "bytedance/seedream-v4-text-to-image", "prompt": row[0], "resolution": "2048x1152"}
    answer = requests.post("https://api.kie.ai/api/v1/generate/image", json=order, headers=KEY, timeout=300)
    cover = answer.json()["data"]["response"]["imageUrl"]
    change = "UPDATE tracks SET state = 'ready', audio = ?, cover = ? WHERE task_id = ?"
    db.execute(change, (data["data"][0]["audio_url"], cover, data["task_id"]))
    return jsonify(ok=True)
