// Requests hard-coded hosts with Node's clients; prints for each what came out: a status, or an error's sentences.
import { fork, spawn, spawnSync } from "node:child_process";
import dns from "node:dns";
import http from "node:http";
import http2 from "node:http2";
import https, { get as namedGet } from "node:https";
import { createRequire } from "node:module";
import net from "node:net";
import { Writable } from "node:stream";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { Worker, isMainThread, parentPort } from "node:worker_threads";
import axios from "axios";
import { EventSource } from "eventsource";
import got from "got";
import ky from "ky";
import needle from "needle";
import nodeFetch from "node-fetch";
import nodeFetch2 from "node-fetch-2";
import superagent from "superagent";
import { WebSocket } from "ws";

const HOST = "https://api.kie.ai";
const PATH = "/api/v1/chat/credit";
const CREDIT = HOST + PATH;
const ELSEWHERE = "https://maps.example.com/x";
const THIS_FILE = fileURLToPath(import.meta.url);
const own = { host: "api.kie.ai", port: 443, servername: "api.kie.ai" };

const statusOf = async (response) => {
  const { status, statusCode } = await response;
  return String(status ?? statusCode);
};
const got200 = (get, ...values) =>
  new Promise((resolve, reject) => get(...values, (answer) => resolve(answer.resume())).on("error", reject));
const event = (target, name) =>
  new Promise((resolve, reject) => {
    target.once(name, resolve);
    target.once("error", reject);
  });
const viaHttp2 = () => {
  const session = http2.connect(HOST);
  const request = session.request({ ":path": PATH });
  request.on("error", () => {});
  session.on("connect", () => request.end());
  return Promise.race([event(session, "close"), event(request, "response")]);
};
const viaEvents = (make) =>
  new Promise((resolve, reject) => {
    const source = make();
    source.onopen = () => resolve("open");
    source.onerror = (problem) => {
      source.onerror = null;
      source.close();
      reject(problem.error ?? new Error(problem.message));
    };
  });

// Run alone, in a process or thread of its own, this file sends one request.
const isAlone = !isMainThread || process.argv[2] === "alone";
if (isAlone) {
  const outcome = await statusOf(fetch(CREDIT)).catch((error) => String(error.cause));
  if (parentPort) parentPort.postMessage(outcome);
  else if (process.send) process.send(outcome);
  else console.log(outcome);
  if (process.send) process.disconnect();
}

const clients = {
  fetch: () => statusOf(fetch(CREDIT)),
  "http.get": () => statusOf(got200(http.get, "http://api.kie.ai" + PATH)),
  "https.get": () => statusOf(got200(https.get, CREDIT)),
  "https.get, by name": () => statusOf(got200(namedGet, CREDIT)),
  "https.get, CommonJS": () => statusOf(got200(createRequire(import.meta.url)("https").get, CREDIT)),
  "https.get, kept alive": () => statusOf(got200(https.get, CREDIT, { agent: new https.Agent({ keepAlive: true }) })),
  "https.get, own connection": () =>
    statusOf(got200(https.get, CREDIT, { createConnection: (options) => tls.connect({ ...options, ...own }) })),
  "https.get, own socket": () =>
    statusOf(
      got200(https.get, CREDIT, { createConnection: () => tls.connect({ socket: net.connect(443, own.host), ...own }) }),
    ),
  "https.get, by address": async () => {
    const { address } = await dns.promises.lookup(own.host);
    return statusOf(got200(https.get, { host: address, servername: own.host, path: PATH, headers: { host: own.host } }));
  },
  axios: () => statusOf(axios.get(CREDIT)),
  "axios, fetch": () => statusOf(axios.get(CREDIT, { adapter: "fetch" })),
  got: () => statusOf(got(CREDIT, { retry: { limit: 0 } })),
  "got, http2": () => statusOf(got(CREDIT, { http2: true, retry: { limit: 0 } })),
  "node-fetch": () => statusOf(nodeFetch(CREDIT)),
  "node-fetch 2": () => statusOf(nodeFetch2(CREDIT)),
  superagent: () => statusOf(superagent.get(CREDIT)),
  needle: () => statusOf(needle("get", CREDIT)),
  ky: () => statusOf(ky(CREDIT, { retry: 0 })),
  worker: () => event(new Worker(THIS_FILE), "message"),
  "worker, own environment": () => event(new Worker(THIS_FILE, { env: {} }), "message"),
  fork: () => event(fork(THIS_FILE, ["alone"]), "message"),
  spawn: async () =>
    String(await event(spawn(process.execPath, [THIS_FILE, "alone"], { env: {} }).stdout, "data")).trim(),
  spawnSync: async () => String(spawnSync(process.execPath, [THIS_FILE, "alone"]).stdout).trim(),
  "fetch elsewhere": () => statusOf(fetch(ELSEWHERE)),
  "https.get elsewhere": () => statusOf(got200(https.get, ELSEWHERE)),
  "dns.lookup elsewhere": () => dns.promises.lookup("maps.example.com"),
  http2: viaHttp2,
  "dns.lookup": async () => (await dns.promises.lookup(own.host)).address,
  "dns.resolve4": async () => (await dns.promises.resolve4(own.host)).join(),
  "ws WebSocket": () => event(new WebSocket("wss://api.kie.ai/socket"), "open"),
  EventSource: () => viaEvents(() => new EventSource(CREDIT)),
};

for (const name of isAlone ? [] : ["undici-5", "undici", "undici-7"]) {
  const undici = createRequire(import.meta.url)(name);
  const asked = { origin: HOST, path: PATH, method: "GET" };
  const sink = () => new Writable({ write: (chunk, encoding, done) => done() });
  Object.assign(clients, {
    [`${name} fetch`]: () => statusOf(undici.fetch(CREDIT)),
    [`${name} request`]: () => statusOf(undici.request(CREDIT)),
    [`${name} stream`]: () =>
      new Promise((resolve, reject) => {
        const opened = ({ statusCode }) => (resolve(String(statusCode)), sink());
        undici.stream(CREDIT, { method: "GET" }, opened).catch(reject);
      }),
    [`${name} Client`]: () => statusOf(new undici.Client(HOST).request(asked)),
    [`${name} Pool`]: () => statusOf(new undici.Pool(HOST).request(asked)),
    [`${name} Pool, http2`]: () => statusOf(new undici.Pool(HOST, { allowH2: true }).request(asked)),
    [`${name} Agent`]: () => statusOf(new undici.Agent().request(asked)),
    [`${name} setGlobalDispatcher`]: async () => {
      const before = undici.getGlobalDispatcher();
      undici.setGlobalDispatcher(new undici.Agent({ connect: { timeout: 5000 } }));
      await undici.request(CREDIT);
      return statusOf(fetch(CREDIT)).finally(() => undici.setGlobalDispatcher(before));
    },
    [`${name} elsewhere`]: () => statusOf(undici.request(ELSEWHERE)),
    [`${name} through a proxy`]: () =>
      statusOf(undici.request(CREDIT, { dispatcher: new undici.ProxyAgent("http://proxy.example.com:3128") })),
    [`${name} WebSocket`]: () => viaEvents(() => new undici.WebSocket("wss://api.kie.ai/socket")),
  });
}

function sentences(error) {
  return [error.message, ...(error.cause ? [sentences(error.cause)] : [])].join(": ");
}

for (const [name, client] of isAlone ? [] : Object.entries(clients)) {
  const outcome = await Promise.resolve().then(client).catch(sentences);
  console.log(JSON.stringify([name, outcome]));
}
if (!isAlone) process.exit(0);
