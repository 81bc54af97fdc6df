import { findTrack, updatePending, type Track } from "@/lib/db";
import { generateImage, verifyImage } from "@/lib/image";

type Song = { audio_url?: string; image_url?: string };

// Suno calls here. On "complete" the cover is verified, and a 2K picture is generated when it is none.
export async function POST(request: Request): Promise<Response> {
  const payload = await request.json();
  const taskId: string | undefined = payload.data?.task_id;
  const callbackType: string | undefined = payload.data?.callbackType;
  console.log(`📥 [CALLBACK] ${callbackType} for task ${taskId}`);
  if (!taskId) return Response.json({ error: "task_id is missing" }, { status: 400 });

  const track = await findTrack("suno_task_id", taskId);
  if (!track) return Response.json({ error: "Track not found" }, { status: 404 });
  if (track.status !== "pending") return Response.json({ received: true });

  if (payload.code !== 200 || callbackType === "error") {
    console.error(`❌ [CALLBACK] Music generation failed: ${payload.msg}`);
    await updatePending(track.id, { status: "failed", error: `music: ${payload.msg}` });
  } else if (callbackType === "complete") {
    await complete(track, payload.data.data?.[0]);
  }
  return Response.json({ received: true });
}

async function complete(track: Track, song: Song | undefined): Promise<void> {
  if (!song?.audio_url) {
    await updatePending(track.id, { status: "failed", error: "the callback carried no audio" });
    return;
  }
  await updatePending(track.id, { audio_url: song.audio_url });
  try {
    const size = await verifyImage(song.image_url);
    await updatePending(track.id, { status: "complete", image_url: song.image_url, image_resolution: size });
    return;
  } catch (error) {
    console.log(`🎨 [CALLBACK] No valid image provided, generating new 2K image (${(error as Error).message})`);
  }
  try {
    const image = await generateImage(track.title, track.prompt);
    await updatePending(track.id, { status: "complete", image_url: image.url, image_resolution: image.resolution });
    console.log(`✅ [SYNC IMAGE] Track ${track.id} has its picture`);
  } catch (error) {
    console.error(`❌ [CALLBACK] Image generation failed (no incoming image): ${(error as Error).message}`);
    await updatePending(track.id, { status: "complete", image_url: null, error: (error as Error).message });
  }
}
