// Basics of the page: creating elements, reading the embedded data, screen reader announcements.
// Text only becomes text nodes and attribute values, never markup.

const SVG = "http://www.w3.org/2000/svg";

function make(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, each] of Object.entries(value)) element.style.setProperty(key, each);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

const el = (tag, attributes = {}, ...children) => make(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) => make(document.createElementNS(SVG, tag), attributes, children);
const byId = (id) => document.getElementById(id);

const REPORT = JSON.parse(byId("overview").textContent);
const INVARIANTS = REPORT.invariants.map(([name, sentence, severity]) => ({ name, sentence, severity }));

let picturesRead = null;

/** Returns a picture by its digest: format, original size and thumbnail; undefined if the page lacks it. */
function pictureOf(digest) {
  picturesRead ??= JSON.parse(byId("pictures").textContent);
  if (typeof digest !== "string" || !Object.hasOwn(picturesRead, digest)) return undefined;
  const [format, width, height, webp] = picturesRead[digest];
  return { format, width, height, source: `data:image/webp;base64,${webp}` };
}

const unpackedBlocks = new Map();

/** Resolved when the whole file is read; the script precedes the runs, so that it draws while they load. */
const wholeFile = new Promise((done) => addEventListener("DOMContentLoaded", done, { once: true }));

/** Returns a scenario's file and runs, unpacked on first use. */
async function blockOf(number) {
  if (!byId(`block-${number}`) || !byId("pictures")) await wholeFile;
  if (!unpackedBlocks.has(number)) unpackedBlocks.set(number, unpack(byId(`block-${number}`).textContent));
  return unpackedBlocks.get(number);
}

async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** Announces a text to screen readers. */
function announce(sentence) {
  byId("announcer").textContent = sentence;
}

/** Stores a choice for the next visit if the browser allows it for files. */
function remember(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name);
    localStorage.setItem(name, value);
  } catch {
    // Without storage the choice is lost.
  }
  return null;
}
