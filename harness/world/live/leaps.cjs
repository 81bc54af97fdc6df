// Preloaded into a started Node process: lets the harness leap over the time in which nothing happens (see leaps.py).
//
// On the Unix socket HARNESS_LEAPS the harness asks how long it is until the next timer of this process, or tells it by
// how many seconds its clock is to be ahead of the machine's, which libfaketime reads from the environment:
//
//     "? 7"          ->  "7 1250"      1,250 ms; "7 -": no timer; "7 busy": something is under way
//     "= 8 3600.25"  ->  "8 1764590400000"      with the time of its clock then
//
// It says unasked what the harness cannot see from outside: "! ..." for whatever a leap could change.
"use strict";

const { createHook } = require("node:async_hooks");
const net = require("node:net");
const threads = require("node:worker_threads");

const PATH = process.env.HARNESS_LEAPS;
const UNDER_WAY = /^(FSReq|GetAddrInfo|GetNameInfo|Query)|Request$/; // in a thread, or at another server
if (PATH && threads.isMainThread) follow(process.env);

// `environment` is the process's own, whatever `process.env` is later.
function follow(environment) {
  const timers = new Set();
  const hook = { init: (id, type, trigger, made) => type === "Timeout" && timers.add(made) };
  createHook(hook).enable();

  // Node's timers, all of which are `Timeout` objects: due at `_idleStart + _idleTimeout` of the event loop's own time.
  function untilNext() {
    const probe = setTimeout(() => {}, 1e6);
    const now = probe._idleStart;
    clearTimeout(probe);
    if (!(now >= 0)) say("! its Node does not tell when its timers are due");
    let next = Infinity;
    for (const timer of timers) {
      const isOver = timer._destroyed || !timer._idleNext || timer._idleTimeout < 0;
      if (isOver) timers.delete(timer); // one that is restarted is reported again
      else next = Math.min(next, timer._idleStart + timer._idleTimeout - now);
    }
    return next;
  }

  function answer(number) {
    const isBusy = process.getActiveResourcesInfo().some((each) => UNDER_WAY.test(each));
    const next = untilNext();
    say(`${number} ${isBusy ? "busy" : next === Infinity ? "-" : Math.max(0, next)}`);
  }

  function take(line) {
    const [what, number, ahead] = line.split(" ");
    if (what === "?") return setImmediate(answer, number); // after what else has arrived
    environment.FAKETIME = `+${ahead} x1`;
    say(`${number} ${Date.now()}`);
  }

  const connection = net.connect(PATH);
  const say = (line) => connection.write(`${line}\n`);
  let rest = "";
  connection.setEncoding("latin1");
  connection.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) take(line);
  });
  connection.on("error", () => {});
  connection.unref();

  // What has timers of its own, or waits for a server that is not the harness's.
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    constructor(...values) {
      say("! it uses worker threads, whose timers the harness cannot see");
      super(...values);
    }
  };
  const { connect } = net.Socket.prototype;
  net.Socket.prototype.connect = function connectReported(...values) {
    const [first, second] = Array.isArray(values[0]) ? values[0] : values;
    const options = typeof first === "object" && first !== null ? first : {};
    const path = options.path || (typeof first === "string" && !(Number(first) >= 0) ? first : "");
    if (path) say(`! it is connected to ${path}, which the harness cannot see`);
    else say(`> ${options.host || (typeof second === "string" ? second : "localhost")} ${options.port ?? first}`);
    return connect.apply(this, values);
  };
  require("node:module").syncBuiltinESMExports();
}
