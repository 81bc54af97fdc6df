import { createTrack } from "@/lib/db";
import { generateMusic } from "@/lib/suno";

// Asks for a song. The row is written when Suno has named its task.
export async function POST(request: Request): Promise<Response> {
  const { title, prompt } = await request.json();
  if (!title || !prompt) return Response.json({ error: "title and prompt are required" }, { status: 400 });
  const { taskId, problem } = await generateMusic(title, prompt);
  const track = await createTrack({
    title,
    prompt,
    status: taskId ? "pending" : "failed",
    suno_task_id: taskId ?? null,
    error: problem ?? null,
  });
  return Response.json({ track: { id: track.id, status: track.status } }, { status: 201 });
}
