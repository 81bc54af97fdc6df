import { createClient } from "@supabase/supabase-js";
import ws from "ws";

export type Track = {
  id: string;
  title: string;
  prompt: string;
  status: "pending" | "complete" | "failed";
  suno_task_id: string | null;
  audio_url: string | null;
  image_url: string | null;
  image_resolution: string | null;
  error: string | null;
};

const supabase = createClient(process.env.SUPABASE_URL!, process.env.SUPABASE_SERVICE_ROLE_KEY!, {
  auth: { persistSession: false, autoRefreshToken: false },
  realtime: { transport: ws as never }, // Node 20 has no WebSocket of its own
});

export async function createTrack(track: Partial<Track>): Promise<Track> {
  const { data, error } = await supabase.from("tracks").insert(track).select().single();
  if (error) throw new Error(`tracks: ${error.message}`);
  return data;
}

export async function findTrack(column: "id" | "suno_task_id", value: string): Promise<Track | null> {
  const { data, error } = await supabase.from("tracks").select("*").eq(column, value).maybeSingle();
  if (error) throw new Error(`tracks: ${error.message}`);
  return data;
}

// Changes a track that nobody has finished in the meantime.
export async function updatePending(id: string, values: Partial<Track>): Promise<void> {
  const { error } = await supabase.from("tracks").update(values).eq("id", id).eq("status", "pending");
  if (error) throw new Error(`tracks: ${error.message}`);
}
