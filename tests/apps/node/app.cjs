// A callback application on Node's own http server and fetch, with hard-coded hosts and its tracks in memory.
"use strict";
const http = require("node:http");
const https = require("node:https");
const { randomUUID } = require("node:crypto");

const key = process.env.API_KEY;
const tracks = new Map();
const byTask = new Map();

async function ask(url, body) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal: AbortSignal.timeout(300_000) });
  return answer.json();
}

// The picture is fetched by node:https, so that both ways out are used.
function sizeOf(url) {
  return new Promise((resolve, reject) => {
    https.get(url, { headers: { "user-agent": "Mozilla/5.0" } }, (answer) => {
      let size = 0;
      answer.on("data", (chunk) => { size += chunk.length; });
      answer.on("end", () => resolve(size));
    }).on("error", reject);
  });
}

async function create({ title, prompt }) {
  const id = randomUUID();
  const order = { customMode: true, instrumental: true, model: "V4_5", style: "calm", title, prompt };
  order.callBackUrl = `${process.env.PUBLIC_URL}/callbacks/suno`;
  const answer = await ask("https://api.sunoapi.org/api/v1/generate", order);
  tracks.set(id, { id, title, state: "working", picture: null, size: null, audio: null, problem: null });
  byTask.set(answer.data.taskId, id);
  return { id };
}

async function hear({ data }) {
  const track = tracks.get(byTask.get(data.task_id));
  if (data.callbackType !== "complete" || !track || track.state !== "working") return { ok: true };
  track.audio = data.data[0].audio_url;
  try {
    const order = { model: "bytedance/seedream-v4-text-to-image", prompt: track.title, resolution: "2048x1152" };
    const answer = await ask("https://api.kie.ai/api/v1/generate/image", order);
    const url = answer.data.response.imageUrl;
    if (await sizeOf(url) < 1000) throw new Error("the picture is too small a file");
    track.picture = url;
    track.size = "2048x1152";
  } catch (error) {
    track.problem = String(error);
    console.error(`no picture: ${error}`);
  }
  track.state = "done";
  return { ok: true };
}

const server = http.createServer(async (request, response) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  const id = request.url.split("/").pop();
  let body = tracks.get(id) ? { data: tracks.get(id) } : null;
  if (request.method === "POST") body = await (request.url === "/tracks" ? create : hear)(JSON.parse(text));
  response.writeHead(body ? 200 : 404, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
});
server.listen(Number(process.env.PORT), "127.0.0.1");
