import { imageSize } from "image-size";

const KIE_URL = "https://api.kie.ai";
const MODEL = "bytedance/seedream-v4-text-to-image";
const WIDTH = 2048;
const HEIGHT = 1152;
const GENERATE_TIMEOUT_MS = 300_000;
const DOWNLOAD_TIMEOUT_MS = 30_000;
const FIRST = { steps: 30, cfg_scale: 8 };
const ADJUSTED = { steps: 25, cfg_scale: 7 };
// The CDN answers 403 to the default agents of HTTP libraries.
const USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";

export type Image = { url: string; resolution: string };

// Without a callBackUrl the answer carries the picture. One retry, with other parameters.
export async function generateImage(title: string, prompt: string): Promise<Image> {
  try {
    return await generateOnce(title, prompt, FIRST);
  } catch (error) {
    console.error(`❌ [SYNC IMAGE] ${(error as Error).message}`);
    console.log("🔄 [SYNC IMAGE] Retrying once with adjusted parameters");
  }
  try {
    return await generateOnce(title, prompt, ADJUSTED);
  } catch (error) {
    console.error(`❌ [SYNC IMAGE] ${(error as Error).message}`);
    throw error;
  }
}

async function generateOnce(title: string, prompt: string, parameters: typeof FIRST): Promise<Image> {
  console.log(`🖼️ [SYNC IMAGE] Model: ${MODEL}`);
  console.log(`🧠 [SYNC IMAGE] Request: ${JSON.stringify(parameters)}`);
  const response = await fetch(`${KIE_URL}/api/v1/generate/image`, {
    method: "POST",
    headers: { Authorization: `Bearer ${process.env.KIE_API_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      model: MODEL,
      prompt: `Cover art for the song "${title}": ${prompt}`.slice(0, 5000),
      resolution: `${WIDTH}x${HEIGHT}`,
      aspect_ratio: "16:9",
      quality: "high",
      guidance: "cinematic cover art in landscape 16:9, sharp in every detail, no lettering",
      ...parameters,
    }),
    signal: AbortSignal.timeout(GENERATE_TIMEOUT_MS),
  });
  const body = await response.json();
  console.log(`🧠 [SYNC IMAGE] Answer: HTTP ${response.status}, code ${body.code}`);
  if (!response.ok || body.code !== 200) throw new Error(`code ${body.code}: ${body.msg}`);
  const url: string | undefined = body.data?.response?.imageUrl;
  const resolution = await verifyImage(url);
  console.log(`🖼️ [SYNC IMAGE] Image generated at: ${url}`);
  return { url: url!, resolution };
}

// Downloads a picture and reads its real size. Throws unless it is 2048x1152 or more.
export async function verifyImage(url: string | null | undefined): Promise<string> {
  if (!url || url === "undefined" || url === "null") {
    console.warn("[🖼️ Verification] Skipping image update: image URL is undefined, null, or empty");
    throw new Error("image URL is undefined, null, or empty");
  }
  const response = await fetch(url, {
    headers: { "User-Agent": USER_AGENT },
    signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`the picture answers HTTP ${response.status}`);
  const { width, height } = imageSize(new Uint8Array(await response.arrayBuffer()));
  if (width < WIDTH || height < HEIGHT) throw new Error(`the picture is ${width}x${height}, not ${WIDTH}x${HEIGHT}`);
  console.log(`🖼️ [SYNC IMAGE] Image verified at ${WIDTH}x${HEIGHT} (${width}x${height})`);
  return `${width}x${height}`;
}
