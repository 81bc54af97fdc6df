import { db } from "@/lib/supabase";

export async function GET(request: Request) {
  if (request.headers.get("authorization") !== `Bearer ${process.env.CRON_SECRET}`) return new Response(null, { status: 401 });
  await db.from("songs").update({ status: "failed" }).eq("status", "stuck");
  return Response.json({ ok: true });
}
