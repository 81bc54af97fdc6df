import { composeSong } from "@/lib/suno";

export async function POST(request: Request) {
  if (!request.headers.get("authorization")) return Response.json({ error: "unauthorized" }, { status: 401 });
  const { title, prompt } = await request.json();
  return Response.json({ taskId: await composeSong(title, prompt) }, { status: 201 });
}
