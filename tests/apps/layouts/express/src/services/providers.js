const SUNO = process.env.MUSIC_API_BASE || "https://api.sunoapi.org";
const IMAGES = process.env["IMAGE_API_BASE"] || "https://api.kie.ai";

async function post(url, key, body) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  return (await answer.json()).data;
}

exports.orderMusic = async (title, prompt) => {
  const order = { customMode: true, instrumental: true, model: "V5", style: "calm", title, prompt };
  order.callBackUrl = process.env.SUNO_CALLBACK_URL;
  return (await post(`${SUNO}/api/v1/generate`, process.env.SUNO_TOKEN, order)).taskId;
};

exports.orderCover = async (title) => {
  const order = { model: "bytedance/seedream-v4-text-to-image", prompt: title, resolution: "2048x1152" };
  return (await post(`${IMAGES}/api/v1/generate/image`, process.env.KIE_TOKEN, order)).response.imageUrl;
};
