// Preloaded into a started Node process (NODE_OPTIONS=--require): connections to the providers' hosts go to the fakes.
//
// HARNESS_ORIGINS is a JSON object from origin ("https://api.kie.ai") to origin ("http://127.0.0.1:41234"). It is applied
// where every library ends: `net.Socket.connect`, `tls.connect` and the look-up of names. What goes to any other host than
// this machine is reported to HARNESS_STRANGERS and refused with a sentence: nothing leaves the machine, except to the
// hosts in HARNESS_ALLOWED, a JSON list (without it, the hosts in variables that are no web addresses:
// "postgres://db:5432/x"). The fakes speak HTTP/1.1 without TLS; a client sees a connection that looks secured.
//
// What a request of the harness causes is followed through asynchronous work: its header "x-harness-entry" is taken away
// before the application sees it, and requests to the fakes say in "x-harness-cause" which one they belong to, 0 for
// none, and in "x-harness-where" which of its code makes them. HARNESS_FAKES is a JSON list of the fakes' own origins.
"use strict";

const http = require("node:http"), https = require("node:https"), tls = require("node:tls"), dns = require("node:dns");
const { Socket } = require("node:net");
const { AsyncLocalStorage } = require("node:async_hooks");
const { relative } = require("node:path");

const origins = JSON.parse(process.env.HARNESS_ORIGINS || "{}");
const strangers = process.env.HARNESS_STRANGERS;
const LOCAL = new Set(["localhost", "127.0.0.1", "[::1]", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"]);
const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
for (const name of PROXIES.flatMap((each) => [each, each.toLowerCase()])) delete process.env[name];

// The fakes by host and port, and an address for each host, since applications look at where a name leads.
const fakes = new Map();
const addresses = new Map();
for (const [origin, fake] of Object.entries(origins)) {
  const { hostname, port, protocol } = new URL(origin);
  fakes.set(`${hostname}:${port || (protocol === "https:" ? 443 : 80)}`, new URL(fake));
  if (!addresses.has(hostname)) addresses.set(hostname, `104.18.0.${addresses.size + 1}`);
}
const names = new Map([...addresses].map(([name, address]) => [address, name]));
const marked = new Set([...Object.entries(origins).flat(), ...JSON.parse(process.env.HARNESS_FAKES || "[]")]);

function fakeOf(host, port) {
  const name = String(host).toLowerCase();
  return fakes.get(`${names.get(name) || name}:${port}`);
}

function isPermitted(host) {
  if (LOCAL.has(host) || host.endsWith(".localhost")) return true;
  if (process.env.HARNESS_ALLOWED) return JSON.parse(process.env.HARNESS_ALLOWED).includes(host);
  return Object.values(process.env).some((value) => /^(?!https?:)[a-z][a-z+]*:\/\//.test(value) && hostIn(value) === host);
}

function hostIn(value) {
  return URL.canParse?.(value) ? new URL(value).hostname : "";
}

function refused(host, port) {
  report(`${host}:${port}`);
  const why = `the harness lets nothing out and has no fake of it; serve a stand-in at 127.0.0.1 and set its address`;
  const error = new Error(`getaddrinfo ENOTFOUND ${host}: ${why}`);
  return Object.assign(error, { code: "ENOTFOUND", errno: -3008, hostname: host, syscall: "getaddrinfo" });
}

function refusedProtocol(host, port) {
  report(`${host}:${port}`);
  const why = `the fakes speak HTTP/1.1 only; offer "http/1.1", too, or use a client that does (fetch, https, undici)`;
  return Object.assign(new Error(`HTTP/2 to ${host} is refused by the harness: ${why}`), { code: "ERR_HTTP2_ERROR" });
}

function report(what) {
  if (!strangers) return;
  const request = realRequest(strangers + what, { method: "POST" });
  request.on("error", () => {});
  request.end();
}

// Connections

const REROUTED = Symbol("rerouted");
const realConnect = Socket.prototype.connect;
Socket.prototype.connect = function connect(...values) {
  const [first, ...others] = Array.isArray(values[0]) ? values[0] : values;
  const isPath = typeof first === "string" && !(Number(first) >= 0);
  const isObject = typeof first === "object" && first !== null;
  const options = isObject ? first : { port: first, host: typeof others[0] === "string" ? others[0] : undefined };
  if (isPath || options.path) return realConnect.apply(this, values);
  const host = typeof options.host === "string" ? options.host : "localhost";
  const fake = fakeOf(host, Number(options.port));
  if (fake) {
    this[REROUTED] = true;
    const near = { ...options, host: fake.hostname, port: Number(fake.port), lookup: undefined };
    return realConnect.call(this, near, others.find((each) => typeof each === "function"));
  }
  if (isPermitted(host)) return realConnect.apply(this, values);
  const error = refused(host, options.port);
  process.nextTick(() => this.destroy(error));
  return this;
};

const realSecure = tls.connect;
tls.connect = function connect(...values) {
  const options = Object.assign({}, ...values.filter((each) => typeof each === "object"));
  if (typeof values[0] !== "object") options.port = values[0];
  if (typeof values[1] === "string") options.host = values[1];
  const { socket: given, port = 443, host = options.servername || "localhost" } = options;
  if (given ? !given[REROUTED] : options.path || !fakeOf(host, Number(port))) return realSecure.apply(this, values);
  const offered = protocolsIn(options.ALPNProtocols);
  const socket = given || new Socket({ signal: options.signal });
  const callback = values.find((each) => typeof each === "function");
  if (callback) socket.once("secureConnect", callback);
  if (offered.length && !offered.includes("http/1.1")) {
    const error = refusedProtocol(host, port);
    process.nextTick(() => socket.destroy(error));
    return socket;
  }
  if (!given) socket.connect({ ...options, host, port });
  const secured = () => process.nextTick(() => socket.destroyed || socket.emit("secureConnect"));
  if (socket.connecting) socket.once("connect", secured);
  else secured();
  return Object.assign(socket, {
    encrypted: true,
    authorized: true,
    authorizationError: null,
    alpnProtocol: offered.length ? "http/1.1" : false,
    servername: options.servername || host,
    getCipher: () => ({ name: "TLS_AES_128_GCM_SHA256", standardName: "TLS_AES_128_GCM_SHA256", version: "TLSv1.3" }),
    getPeerCertificate: () => ({}),
    getProtocol: () => "TLSv1.3",
    getSession: () => undefined,
    isSessionReused: () => false,
  });
};

function protocolsIn(offered) {
  if (!ArrayBuffer.isView(offered)) return [offered || []].flat().map(String);
  const protocols = [];
  for (let at = 0; at < offered.length; at += 1 + offered[at]) {
    protocols.push(Buffer.from(offered).toString("latin1", at + 1, at + 1 + offered[at]));
  }
  return protocols;
}

// Names

const realLookup = dns.lookup;
dns.lookup = function lookup(host, options, callback = options) {
  const address = addresses.get(String(host).toLowerCase());
  if (address) {
    const found = options.all ? [[{ address, family: 4 }]] : [address, 4];
    return process.nextTick(callback, null, ...found);
  }
  if (!host || /^[\d.]+$|:/.test(host) || isPermitted(host)) return realLookup.apply(this, arguments);
  return process.nextTick(callback, refused(host, 443));
};
dns.promises.lookup = (host, options = {}) =>
  new Promise((resolve, reject) => {
    dns.lookup(host, options, (error, address, family) => {
      if (error) reject(error);
      else resolve(Array.isArray(address) ? address : { address, family });
    });
  });
for (const name of ["resolve", "resolve4", "resolve6"]) {
  const realResolve = dns[name], realPromised = dns.promises[name];
  const isOther = (kind) => typeof kind === "string" && kind !== "A";
  dns[name] = function resolve(host, ...values) {
    if (isPermitted(host)) return realResolve.call(this, host, ...values);
    const found = name === "resolve6" || isOther(values[0]) ? [] : [addresses.get(host)].filter(Boolean);
    const error = addresses.has(host) ? null : refused(host, 443);
    return process.nextTick(values.at(-1), error, found);
  };
  dns.promises[name] = (host, ...values) =>
    isPermitted(host)
      ? realPromised.call(dns.promises, host, ...values)
      : new Promise((resolve, reject) => {
          dns[name](host, ...values, (error, found) => (error ? reject(error) : resolve(found)));
        });
}

// Causes

const ENTRY = "x-harness-entry";
const CAUSE = "x-harness-cause";
const entries = new AsyncLocalStorage();

for (const { Server } of [http, https]) {
  const emit = Server.prototype.emit;
  Server.prototype.emit = function emitFollowed(name, ...values) {
    if (name !== "request") return emit.call(this, name, ...values);
    const { headers, rawHeaders } = values[0];
    const number = headers[ENTRY] || "0";
    delete headers[ENTRY];
    const at = rawHeaders.findIndex((each, index) => index % 2 === 0 && each.toLowerCase() === ENTRY);
    if (at >= 0) rawHeaders.splice(at, 2);
    for (const stream of values.slice(0, 2)) {
      const emitOfStream = stream.emit; // its events come from the socket, whose work belongs to no request
      stream.emit = (...event) => entries.run(number, () => emitOfStream.apply(stream, event));
    }
    if (number !== "0") reportIfLate(number, values[1]);
    return entries.run(number, () => emit.call(this, name, ...values));
  };
}

// Node drops a connection as soon as its client is gone, so what a handler answers later is seen only here.
function reportIfLate(number, response) {
  const { end } = response;
  response.end = function endReported(...values) {
    if (response.destroyed && !response.writableEnded) report(`answered/${number}/${response.statusCode}`);
    return end.apply(this, values);
  };
}

function cause() {
  return entries.getStore() || "0";
}

// Where in the application's own code a request is made: "lib/image.js:35 in generateOnce", innermost first. A fetch is
// sent later than it is called.
const WHERE = "x-harness-where";
const FRAMES_MAX = 4;
const FRAME = /^ +at (?:async )?(?:(.+?) \()?(?:file:\/\/)?([^()]+):(\d+):\d+\)?$/;
const places = new AsyncLocalStorage();

function here() {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const lines = String(new Error().stack).split("\n");
  Error.stackTraceLimit = limit;
  const found = [];
  for (const line of lines) {
    const [, name, file, number] = FRAME.exec(line) || [];
    if (!file || /^node:|[\\/]node_modules[\\/]/.test(file) || file.startsWith(__dirname)) continue;
    found.push(`${relative(process.cwd(), file)}:${number}${name ? ` in ${name}` : ""}`);
  }
  const escaped = (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(found.slice(0, FRAMES_MAX)).replace(/[^\x20-\x7e]/g, escaped);
}

const realFetch = globalThis.fetch;
if (realFetch) {
  globalThis.fetch = function fetch(...values) {
    return places.run(here(), () => realFetch.apply(this, values));
  };
}

require("node:diagnostics_channel").subscribe("undici:request:create", ({ request }) => {
  if (!marked.has(String(request.origin).replace(/\/$/, ""))) return;
  request.addHeader(CAUSE, cause());
  request.addHeader(WHERE, places.getStore() || here());
});

// Headers that were given as a list have already been sent, and stay as they are.
function withCause(request) {
  const origin = `${request.protocol}//${request.getHeader("host")}`;
  if (!request.headersSent && marked.has(origin)) {
    request.setHeader(CAUSE, cause());
    request.setHeader(WHERE, here());
  }
  return request;
}

const realRequest = http.request;
for (const module of [http, https]) {
  const { request } = module;
  module.request = (...values) => withCause(request.apply(module, values));
  module.get = (...values) => {
    const made = module.request(...values);
    made.end();
    return made;
  };
}

// Processes and threads with an environment of their own

const OWN = ["NODE_OPTIONS", ...Object.keys(process.env).filter((name) => name.startsWith("HARNESS_"))];
const own = Object.fromEntries(OWN.map((name) => [name, process.env[name]]));
const { ChildProcess } = require("node:child_process");
const realSpawn = ChildProcess.prototype.spawn;
ChildProcess.prototype.spawn = function spawn(options) {
  const given = options?.envPairs || [];
  const missing = OWN.filter((name) => !given.some((pair) => pair.startsWith(`${name}=`)));
  return realSpawn.call(this, { ...options, envPairs: [...given, ...missing.map((name) => `${name}=${own[name]}`)] });
};

const threads = require("node:worker_threads");
threads.Worker = class Worker extends threads.Worker {
  constructor(file, options = {}) {
    const hasOwn = typeof options.env === "object" && options.env !== null;
    super(file, hasOwn ? { ...options, env: { ...own, ...options.env } } : options);
  }
};

require("node:module").syncBuiltinESMExports();
