import { findTrack } from "@/lib/db";

export async function GET(_: Request, { params }: { params: Promise<{ id: string }> }): Promise<Response> {
  const track = await findTrack("id", (await params).id);
  if (!track) return Response.json({ error: "Track not found" }, { status: 404 });
  return Response.json({ track });
}
