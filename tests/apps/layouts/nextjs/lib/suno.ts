import { db } from "./supabase";

const { SUNO_API_KEY, CALLBACK_BASE_URL } = process.env;

async function ask(path: string, body: unknown) {
  const headers = { authorization: `Bearer ${SUNO_API_KEY}`, "content-type": "application/json" };
  const answer = await fetch(`https://api.kie.ai${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return (await answer.json()).data;
}

export async function composeSong(title: string, prompt: string): Promise<string> {
  const order = { customMode: true, instrumental: true, model: "V5", style: "calm", title, prompt };
  const data = await ask("/api/v1/generate", { ...order, callBackUrl: `${CALLBACK_BASE_URL}/api/webhooks/suno` });
  await db.from("songs").insert({ title, task_id: data.taskId });
  return data.taskId;
}

export async function paintCover(title: string): Promise<string> {
  const data = await ask("/api/v1/generate/image", { model: "bytedance/seedream-v4-text-to-image", prompt: title, resolution: "2048x1152" });
  return data.response.imageUrl;
}
