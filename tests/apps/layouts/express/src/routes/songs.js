const { randomUUID } = require("node:crypto");
const { Router } = require("express");
const { orderCover, orderMusic } = require("../services/providers");

const router = Router();
const songs = new Map();

router.post("/", async (request, response) => {
  if (request.get("x-api-key") !== process.env.CLIENT_SECRET) return response.status(401).json({ error: "who?" });
  const { title, prompt } = request.body;
  const song = { id: randomUUID(), title, state: "pending" };
  song.taskId = await orderMusic(title, prompt);
  songs.set(song.id, song);
  response.status(201).json({ song: { id: song.id } });
});

router.get("/:id", (request, response) => {
  const song = songs.get(request.params.id);
  response.json({ song });
});

router.post("/callback", async (request, response) => {
  const { data } = request.body;
  const song = [...songs.values()].find((each) => each.taskId === data.task_id);
  response.json({ ok: true });
  if (!song || song.state !== "pending" || data.callbackType !== "complete") return;
  song.audioUrl = data.data[0].audio_url;
  song.coverUrl = await orderCover(song.title);
  song.state = "done";
});

module.exports = router;
