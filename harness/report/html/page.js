// The page's own small tools: making elements, reading the data that is in the page, saying something aloud.
// Text only ever becomes text nodes and attribute values; nothing here writes markup.

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
const PROMISES = REPORT.promises.map(([name, sentence, severity]) => ({ name, sentence, severity }));

let picturesRead = null;

/** A picture by its digest: its format, true size and small copy; undefined for one that is not in the page. */
function pictureOf(digest) {
  picturesRead ??= JSON.parse(byId("pictures").textContent);
  if (typeof digest !== "string" || !Object.hasOwn(picturesRead, digest)) return undefined;
  const [format, width, height, webp] = picturesRead[digest];
  return { format, width, height, source: `data:image/webp;base64,${webp}` };
}

const unpackedBlocks = new Map();

/** Kept when the browser has read the whole file; the script stands before the runs, to draw while they are read. */
const wholeFile = new Promise((done) => addEventListener("DOMContentLoaded", done, { once: true }));

/** A scenario's file and its runs, unpacked when they are first asked for. */
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

/** Says something to those who do not see the screen. */
function tell(sentence) {
  byId("told").textContent = sentence;
}

/** Remembers a choice for the next visit, where the browser lets a file do so. */
function remember(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name);
    localStorage.setItem(name, value);
  } catch {
    // A page without storage forgets.
  }
  return null;
}
