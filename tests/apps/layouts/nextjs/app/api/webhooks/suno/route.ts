import { createHmac } from "node:crypto";
import { db } from "@/lib/supabase";
import { paintCover } from "@/lib/suno";

export async function POST(request: Request) {
  const { data } = await request.json();
  const signed = `${data.task_id}.${request.headers.get("x-webhook-timestamp")}`;
  const expected = createHmac("sha256", process.env.WEBHOOK_HMAC_KEY!).update(signed).digest("base64");
  if (request.headers.get("x-webhook-signature") !== expected) return Response.json({}, { status: 401 });
  if (data.callbackType !== "complete") return Response.json({ ok: true });
  const { data: song } = await db.from("songs").select().eq("task_id", data.task_id).single();
  const cover_url = await paintCover(song.title);
  await db.from("songs").update({ status: "complete", audio_url: data.data[0].audio_url, cover_url }).eq("id", song.id);
  return Response.json({ ok: true });
}
