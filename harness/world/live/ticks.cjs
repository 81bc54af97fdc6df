// Preloaded into a started Node process whose clock is sped up: timers that count their ticks follow the clock.
//
// undici (and with it Node's fetch) measures its timeouts by adding 499 ms at each call of a timer of 499 ms, instead of
// reading a clock, so that the lateness of each call adds up: at speed 50 its 300 s have taken 325. Here such a timer
// makes up for the ticks that it is late, for as long as its callback restarts it, as undici's does. Any other timer is
// called once.
"use strict";

const TICK_MS = 499;
const realSetTimeout = globalThis.setTimeout;

globalThis.setTimeout = Object.assign(function setTimeout(callback, delay, ...values) {
  const counts = delay === TICK_MS && typeof callback === "function" && values.length === 0;
  return counts ? followingTheClock(callback) : realSetTimeout(callback, delay, ...values);
}, realSetTimeout);

function followingTheClock(callback) {
  let counted = performance.now();
  let isTicking = false;
  let isRestarted = false;
  const timer = realSetTimeout(() => {
    const ticks = Math.max(1, Math.floor((performance.now() - counted) / TICK_MS));
    counted += ticks * TICK_MS;
    isTicking = isRestarted = true;
    try {
      for (let tick = 0; tick < ticks && isRestarted; tick += 1) {
        isRestarted = false;
        callback();
      }
    } finally {
      isTicking = false;
    }
  }, TICK_MS);
  const refresh = timer.refresh;
  timer.refresh = function refreshed() {
    isRestarted = true;
    if (!isTicking) counted = performance.now(); // it begins anew
    return refresh.call(timer);
  };
  return timer;
}
