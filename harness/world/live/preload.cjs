// Preloaded into a started Node process (NODE_OPTIONS=--require): requests to the providers' origins go to the fakes.
//
// HARNESS_ORIGINS is a JSON object from origin ("https://api.kie.ai") to origin ("http://127.0.0.1:41234"). A request
// to any other host than this machine is reported to HARNESS_STRANGERS and refused: nothing leaves the machine.
// The same applies to every socket of any library; the only exceptions are the hosts in HARNESS_ALLOWED (a JSON list of
// the databases in the configuration).
"use strict";

const origins = JSON.parse(process.env.HARNESS_ORIGINS || "{}");
const strangers = process.env.HARNESS_STRANGERS;
const local = new Set(["localhost", "127.0.0.1", "[::1]", "::1"]);

function isLocal(host) {
  return local.has(host) || host.endsWith(".localhost");
}

function report(url) {
  if (!strangers) return;
  const request = realRequest.http.call(require("node:http"), strangers + url.host, { method: "POST" });
  request.on("error", () => {});
  request.end();
}

// Returns the URL that a request really goes to; throws for a host without a fake.
function target(url) {
  const origin = origins[url.origin];
  if (origin) return new URL(url.pathname + url.search, origin);
  if (isLocal(url.hostname)) return url;
  report(url);
  throw unknownHost(url.hostname);
}

function unknownHost(hostname) {
  const error = new Error(`getaddrinfo ENOTFOUND ${hostname} (the harness forwards nothing to other hosts)`);
  return Object.assign(error, { code: "ENOTFOUND", hostname, syscall: "getaddrinfo" });
}

// Redirects are followed here, so that they, too, lead to the fakes; with fetch's own rules and limits.
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const REDIRECTS_MAX = 20;

const realFetch = globalThis.fetch;
if (realFetch) {
  globalThis.fetch = async function fetch(input, init) {
    const isRequest = typeof Request !== "undefined" && input instanceof Request;
    const requested = new URL(isRequest ? input.url : String(input));
    const real = targetOfFetch(requested);
    if (real.href === requested.href) return realFetch.call(this, input, init);
    const request = new Request(isRequest ? new Request(real, input) : real, init);
    if (request.redirect !== "follow") return realFetch.call(this, request);
    return follow(request, requested);
  };
}

function targetOfFetch(requested) {
  try {
    return target(requested);
  } catch (cause) {
    throw new TypeError("fetch failed", { cause });
  }
}

async function follow(request, requested) {
  const { signal } = request;
  let { method } = request;
  const headers = new Headers(request.headers);
  let body = request.body === null ? undefined : await request.arrayBuffer();
  let at = requested;
  for (let hop = 0; ; hop += 1) {
    const answer = await realFetch(targetOfFetch(at), { method, headers, body, signal, redirect: "manual" });
    const location = REDIRECTS.has(answer.status) ? answer.headers.get("location") : null;
    if (location === null) return answer;
    if (hop === REDIRECTS_MAX) throw new TypeError("fetch failed", { cause: new Error("redirect count exceeded") });
    await answer.body?.cancel();
    if ((answer.status < 303 && method === "POST") || (answer.status === 303 && method !== "HEAD")) {
      method = "GET";
      body = undefined;
      for (const name of ["content-encoding", "content-language", "content-location", "content-type"]) {
        headers.delete(name);
      }
    }
    const next = new URL(location, at);
    if (next.origin !== at.origin) ["authorization", "cookie"].forEach((name) => headers.delete(name));
    at = next;
  }
}

const realRequest = {};
for (const [name, protocol, port] of [["http", "http:", 80], ["https", "https:", 443]]) {
  const module = require(`node:${name}`);
  realRequest[name] = module.request;
  const request = function request(...values) {
    const callback = typeof values[values.length - 1] === "function" ? values.pop() : undefined;
    const hasUrl = typeof values[0] === "string" || values[0] instanceof URL;
    const options = { ...(hasUrl ? values[1] : values[0]) };
    if (options.socketPath) return realRequest[name].call(module, ...values, callback);
    const requested = hasUrl ? new URL(values[0]) : urlOf(options, protocol, port);
    const real = target(requested);
    if (real.href === requested.href) return realRequest[name].call(module, ...values, ...(callback ? [callback] : []));
    for (const key of ["protocol", "host", "hostname", "port", "path", "agent", "defaultPort", "servername", "auth"]) {
      delete options[key];
    }
    const http = require("node:http");
    return realRequest.http.call(http, real, { ...options, headers: { ...options.headers } }, callback);
  };
  module.request = request;
  module.get = function get(...values) {
    const made = request(...values);
    made.end();
    return made;
  };
}

// undici's own request() and stream() use its global dispatcher, which Node's fetch shares.
const DISPATCHER = Symbol.for("undici.globalDispatcher.1");
void globalThis.Request; // makes Node create it
const dispatcher = globalThis[DISPATCHER];
if (dispatcher) {
  const dispatch = (options, handler) => {
    const real = options.origin ? target(new URL(options.path || "/", options.origin)) : undefined;
    return dispatcher.dispatch(real ? { ...options, origin: real.origin } : options, handler);
  };
  globalThis[DISPATCHER] = new Proxy(dispatcher, {
    get(_, name) {
      if (name === "dispatch") return dispatch;
      const value = Reflect.get(dispatcher, name);
      return typeof value === "function" ? value.bind(dispatcher) : value;
    },
  });
}

const allowed = new Set([...JSON.parse(process.env.HARNESS_ALLOWED || "[]"), "0.0.0.0", "::", "::ffff:127.0.0.1"]);
const { Socket } = require("node:net");
const realConnect = Socket.prototype.connect;
Socket.prototype.connect = function connect(...values) {
  const first = Array.isArray(values[0]) ? values[0][0] : values[0];
  const isPath = typeof first === "string" && !(Number(first) >= 0);
  const options = typeof first === "object" && first !== null ? first : { port: first, host: values[1] };
  const host = typeof options.host === "string" ? options.host : "localhost";
  if (isPath || options.path || isLocal(host) || allowed.has(host)) return realConnect.apply(this, values);
  report({ host: `${host}:${options.port}` });
  process.nextTick(() => this.destroy(unknownHost(host)));
  return this;
};

require("node:module").syncBuiltinESMExports();

function urlOf(options, protocol, port) {
  const scheme = options.protocol || protocol;
  const host = options.hostname || String(options.host || "localhost").replace(/:\d+$/, "");
  const at = options.port && Number(options.port) !== port ? `:${options.port}` : "";
  return new URL(`${scheme}//${host}${at}${options.path || "/"}`);
}
