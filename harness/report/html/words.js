// Numbers and states in words.

function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0 s";
  if (value < 10) return `${Number(value.toFixed(value < 0.1 ? 3 : 1))} s`;
  if (value < 600) return `${Math.round(value)} s`;
  if (value < 7200) return `${Math.round(value / 60)} min`;
  if (value < 172800) return `${Math.round(value / 3600)} h`;
  return `${Math.round(value / 86400)} days`;
}

function percent(share) {
  if (!Number.isFinite(share)) return "–";
  const value = share * 100;
  if (value > 0 && value < 10) return `${value.toFixed(1)} %`;
  return `${value < 100 ? Math.min(99, Math.round(value)) : 100} %`;
}

const counted = (count, noun, nouns = `${noun}s`) => `${count.toLocaleString("en")} ${count === 1 ? noun : nouns}`;

/** Nearest rank, as everywhere in the harness; `values` are sorted. */
function percentile(values, share) {
  return values.length ? values[Math.max(0, Math.ceil(share * values.length) - 1)] : null;
}

const STATES = {
  held: { mark: "✓", word: "held" },
  violated: { mark: "✗", word: "violated" },
  warned: { mark: "!", word: "warning" },
  unknown: { mark: "?", word: "inconclusive" },
  "not applicable": { mark: "·", word: "does not apply" },
};

/** Returns a cell's state, its symbol and the sentence for screen readers. */
function outcomeOf(cell) {
  if (cell === null) return { state: "missing", mark: "", words: "not run" };
  const [violated, warned, unknown] = cell;
  const names = (places) => places.map((place) => INVARIANTS[place].name).join(", ");
  const also = warned.length ? `; warnings: ${names(warned)}` : "";
  if (violated.length) {
    const words = `${counted(violated.length, "invariant")} violated: ${names(violated)}${also}`;
    return { state: "violated", mark: `✗${violated.length}`, words };
  }
  if (unknown.length) return { state: "unknown", mark: "?", words: `inconclusive: ${names(unknown)}${also}` };
  return { state: "held", mark: "✓", words: `all held${also}`, warned: warned.length };
}

/** Returns a name encoded for an address; a lone surrogate cannot be encoded. */
const inAddress = (name) => encodeURIComponent(name.toWellFormed());

const routeOf = (scenario, implementation, entry) =>
  `#/run/${inAddress(REPORT.scenarios[scenario].name)}/${inAddress(REPORT.implementations[implementation].name)}` +
  (entry ? `/${entry}` : "");
