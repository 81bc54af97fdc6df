const SUNO_URL = "https://api.sunoapi.org";
const TIMEOUT_MS = 30_000;

// Asks for the music; errors come as HTTP 200 with another code in the body.
export async function generateMusic(title: string, prompt: string): Promise<{ taskId?: string; problem?: string }> {
  try {
    const response = await fetch(`${SUNO_URL}/api/v1/generate`, {
      method: "POST",
      headers: { Authorization: `Bearer ${process.env.SUNO_API_KEY}`, "Content-Type": "application/json" },
      body: JSON.stringify({
        customMode: true,
        instrumental: true,
        model: "V4_5",
        title: title.slice(0, 80),
        style: "ambient",
        prompt: prompt.slice(0, 5000),
        callBackUrl: `${process.env.NEXT_PUBLIC_APP_URL}/api/callbacks/suno`,
      }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = await response.json();
    if (body.code !== 200) return { problem: `music: code ${body.code}: ${body.msg}` };
    return { taskId: body.data.taskId };
  } catch (error) {
    console.error(`❌ [MUSIC] ${error}`);
    return { problem: `music: ${error}` };
  }
}
