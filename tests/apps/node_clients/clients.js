// Measures when HTTP clients give up: for each client, limit and delay of a response one request, all at once.
import http from "node:http";
import axios from "axios";
import got from "got";
import nodeFetch from "node-fetch";
import { Agent, fetch as undiciFetch, request as undiciRequest } from "undici";

const [origin, ...pairs] = process.argv.slice(2);
const ms = (seconds) => seconds * 1000;

const clients = {
  fetch: (url, limit) => fetch(url, { signal: AbortSignal.timeout(ms(limit)) }),
  "fetch, own limit": (url, limit) => (limit === 300 ? fetch(url) : null),
  "undici.fetch": (url, limit) => undiciFetch(url, { dispatcher: new Agent({ headersTimeout: ms(limit) }) }),
  "undici.request": (url, limit) => undiciRequest(url, { headersTimeout: ms(limit) }),
  axios: (url, limit) => axios.get(url, { timeout: ms(limit) }),
  got: (url, limit) => got(url, { timeout: { response: ms(limit) }, retry: { limit: 0 } }),
  "node-fetch": (url, limit) => nodeFetch(url, { signal: AbortSignal.timeout(ms(limit)) }),
  http: (url, limit) =>
    new Promise((resolve, reject) => {
      const request = http.get(url, { timeout: ms(limit) }, resolve);
      request.on("timeout", () => request.destroy(new Error("timeout")));
      request.on("error", reject);
    }),
};

async function measured(client, limit, after) {
  const began = performance.now();
  const sent = clients[client](`${origin}/${after}`, limit);
  if (sent === null) return;
  const outcome = await sent.then(
    () => "answered",
    () => "gave up",
  );
  const took = (performance.now() - began) / 1000;
  console.log(JSON.stringify({ client, limit, after, outcome, took }));
}

for (const client of Object.keys(clients)) await clients[client](`${origin}/0`, 300); // modules are loaded
const requests = pairs.map((pair) => pair.split(":").map(Number));
await Promise.all(requests.flatMap(([limit, after]) => Object.keys(clients).map((each) => measured(each, limit, after))));
process.exit(0);
