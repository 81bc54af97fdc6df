// A callback application on Node's own http server that keeps its tracks in Supabase, by the published client.
// MISCHIEF is what goes wrong with it.
"use strict";
const http = require("node:http");
const { createClient } = require("@supabase/supabase-js");

const { MISCHIEF, PORT, PUBLIC_URL, API_KEY, SUNO, KIE } = process.env;
const db = createClient(process.env.SUPABASE_URL, process.env.SUPABASE_SERVICE_ROLE_KEY, {
  auth: { persistSession: false, autoRefreshToken: false },
  realtime: { transport: class {} }, // Node 20 has no WebSocket of its own
});

async function ask(url, body) {
  const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal: AbortSignal.timeout(300_000) });
  return answer.json();
}

function given({ data, error }) {
  if (error) throw new Error(`${error.code}: ${error.message}`);
  return data;
}

async function create({ title, prompt }, token) {
  const { user } = given(await db.auth.getUser(token));
  const track = given(await db.from("tracks").insert({ title, user_id: user.id }).select("id").single());
  const order = { customMode: true, instrumental: true, model: "V4_5", style: "calm", title, prompt };
  order.callBackUrl = `${PUBLIC_URL}/callbacks/suno`;
  const { data } = await ask(`${SUNO}/api/v1/generate`, order);
  given(await db.from("tracks").update({ task_id: data.taskId }).eq("id", track.id));
  return { id: track.id };
}

async function hear({ data }) {
  const found = db.from("tracks").select().eq("task_id", data.task_id).eq("status", "pending");
  const track = given(await found.maybeSingle());
  if (data.callbackType !== "complete" || !track) return { ok: true };
  const order = { model: "bytedance/seedream-v4-text-to-image", prompt: track.title, resolution: "2048x1152" };
  const url = (await ask(`${KIE}/api/v1/generate/image`, order)).data.response.imageUrl;
  const done = { status: "complete", audio_url: data.data[0].audio_url, image_url: url, image_resolution: "2048x1152" };
  if (MISCHIEF === "whole seconds") done.seconds = data.data[0].duration;
  if (MISCHIEF === "unknown column") done.image_size = "2048x1152";
  given(await db.from("tracks").update(done).eq("id", track.id));
  if (MISCHIEF === "overwrites") {
    given(await db.from("tracks").update({ image_url: data.data[0].image_url }).eq("id", track.id));
    given(await db.from("tracks").update({ image_url: url }).eq("id", track.id));
  }
  if (MISCHIEF === "asks for more") await db.from("tracks").select("title, images(url)");
  return { ok: true };
}

const server = http.createServer(async (request, response) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  let status = 200;
  let body;
  try {
    const token = (request.headers.authorization ?? "").replace("Bearer ", "");
    body = request.url === "/tracks" ? await create(JSON.parse(text), token) : await hear(JSON.parse(text));
  } catch (error) {
    console.error(String(error));
    [status, body] = [500, { error: String(error) }];
  }
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
});
server.listen(Number(PORT), "127.0.0.1");
