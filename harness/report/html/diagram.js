// The sequence diagram of a run: lanes from left to right, virtual time from top to bottom, compressed where nothing
// happens. The evidence of violations is marked; one verdict at a time can be highlighted.

const LANES = {
  user: "User",
  app: "Implementation",
  store: "Store",
  suno: "Suno",
  kie: "Kie.ai",
  media: "Media host",
  other: "Elsewhere",
};
const DRAWN = {
  time: 84,
  lane_min: 116,
  lane_max: 190,
  tags: 178,
  row: 27,
  head: 40,
  rows_max: 700,
  depth_max: 4,
  sheet: 1.05,
};

/** Returns the element, and functions that highlight a verdict's evidence and find the row of an entry. */
function diagramView(view, openEntry) {
  const violated = view.verdicts.filter(([, state]) => state === "violated");
  const tagsOf = new Map();
  for (const [name, , severity, , evidence] of violated)
    for (const number of evidence) tagsOf.set(number, [...(tagsOf.get(number) ?? []), { name, severity }]);
  const all = view.steps.map(readStep);
  const shown =
    all.length <= DRAWN.rows_max
      ? all
      : all.filter((step, place) => place < DRAWN.rows_max || step.entries.some((number) => tagsOf.has(number)));
  const lane = Math.min(
    DRAWN.lane_max,
    Math.max(DRAWN.lane_min, (roomForDiagram() - DRAWN.time - DRAWN.tags) / view.lanes.length),
  );
  const width = Math.round(DRAWN.time + view.lanes.length * lane + DRAWN.tags);
  const xOfLane = Object.fromEntries(
    view.lanes.map((name, place) => [name, Math.round(DRAWN.time + (place + 0.5) * lane)]),
  );

  const rows = [];
  const gaps = [];
  let y = 10;
  let before = null;
  for (const step of shown) {
    const passed = before === null ? step.at : step.at - before.at;
    if (before !== null && passed > 0) {
      const height = Math.min(58, 10 + 11 * Math.log10(1 + passed * 4));
      gaps.push({ y, height, passed });
      y += height;
    }
    rows.push({ ...step, y: y + DRAWN.row / 2, first: before === null || passed > 0 });
    y += DRAWN.row;
    before = step;
  }
  const height = y + 16;

  const drawn = rows.map((row) => drawRow(row, xOfLane, width, tagsOf, openEntry));
  const picture = svg(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      class: "diagram",
      role: "group",
      "aria-label": "Sequence diagram; the journal below lists the same events",
    },
    svg("defs", {}, arrowHead("arrow", "arrow-head"), arrowHead("arrow-bad", "arrow-head is-bad")),
    view.lanes.map((lane) =>
      svg("line", { x1: xOfLane[lane], x2: xOfLane[lane], y1: 0, y2: height - 8, class: "life-line" }),
    ),
    svg("line", { x1: DRAWN.time - 14, x2: DRAWN.time - 14, y1: 0, y2: height - 8, class: "time-line" }),
    gaps.map((gap) => drawGap(gap, width)),
    bars(rows, xOfLane, height),
    drawn.map((each) => each.element),
  );
  picture.id = "diagram-whole";
  const head = svg(
    "svg",
    {
      viewBox: `0 0 ${width} ${DRAWN.head}`,
      width,
      height: DRAWN.head,
      class: "diagram diagram-head",
      "aria-hidden": "true",
    },
    svg("text", { x: DRAWN.time - 10, y: 25, class: "lane-title is-time", "text-anchor": "end" }, "virtual time"),
    view.lanes.map((lane) =>
      svg("text", { x: xOfLane[lane], y: 25, class: "lane-title", "text-anchor": "middle" }, LANES[lane] ?? lane),
    ),
  );
  const element = el(
    "div",
    { class: "diagram-scroll", tabindex: "0", role: "region", "aria-label": "Sequence diagram" },
    head,
    picture,
    sheets(rows, width, height).map(([from, to]) =>
      el(
        "div",
        { class: "sheet", "aria-hidden": "true" },
        head.cloneNode(true),
        svg(
          "svg",
          { viewBox: `0 ${from} ${width} ${to - from}`, class: "diagram" },
          svg("use", { href: "#diagram-whole" }),
        ),
      ),
    ),
    shown.length < all.length
      ? el(
          "p",
          { class: "notice" },
          `${(all.length - shown.length).toLocaleString("en")} more steps are in the journal below.`,
        )
      : null,
  );

  const placeOf = new Map(drawn.flatMap((each) => each.step.entries.map((number) => [number, each])));
  return {
    element,
    bringOut(evidence) {
      picture.classList.toggle("is-focused", evidence !== null);
      const wanted = new Set(evidence ?? []);
      for (const each of drawn)
        each.element.classList.toggle(
          "is-out",
          each.step.entries.some((number) => wanted.has(number)),
        );
    },
    rowOf: (number) => placeOf.get(number)?.element,
  };
}

/** In print the diagram is cut between rows into pieces that fit a page. */
function sheets(rows, width, height) {
  const pieces = [];
  let from = 0;
  for (const row of rows) {
    const end = row.y + DRAWN.row / 2;
    if (end - from > width * DRAWN.sheet) {
      pieces.push([from, row.y - DRAWN.row / 2]);
      from = row.y - DRAWN.row / 2;
    }
  }
  return [...pieces, [from, height]];
}

/** The available width, beside the verdicts or below them. */
function roomForDiagram() {
  const whole = byId("main").clientWidth - 2 * parseFloat(getComputedStyle(byId("main")).paddingLeft);
  return (innerWidth > 1100 ? whole - 24 * 16 : whole) - 2;
}

function readStep([entries, at, clock, kind, source, target, text, trouble, answers]) {
  return { entries, at, clock, kind, source, target, text, trouble, answers };
}

function arrowHead(id, name) {
  return svg(
    "marker",
    { id, viewBox: "0 0 8 8", refX: 7.4, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" },
    svg("path", { d: "M0.8 0.8 7.4 4 0.8 7.2", class: name }),
  );
}

function drawGap({ y, height, passed }, width) {
  if (passed < 1) return null;
  const middle = y + height / 2;
  return svg(
    "g",
    { class: "gap" },
    svg("line", { x1: DRAWN.time - 14, x2: DRAWN.time - 14, y1: y + 3, y2: y + height - 3, class: "gap-line" }),
    svg(
      "text",
      { x: DRAWN.time - 24, y: middle + 3.5, "text-anchor": "end", class: "gap-text" },
      `+ ${seconds(passed)}`,
    ),
    svg("line", { x1: DRAWN.time, x2: width - DRAWN.tags, y1: middle, y2: middle, class: "gap-rest" }),
  );
}

/** A bar on a lane while a response is pending; side by side for several. */
function bars(rows, xOfLane, bottom) {
  const ends = new Map(rows.filter((row) => row.answers).map((row) => [row.answers, row.y]));
  const open = {};
  return rows
    .filter((row) => row.target && (row.kind === "request" || row.kind === "callback"))
    .map((row) => {
      const end = ends.get(row.entries[0]) ?? bottom - 14;
      const lane = (open[row.target] ??= []);
      let depth = 0;
      while (lane[depth] !== undefined && lane[depth] > row.y) depth += 1;
      lane[depth] = end;
      const owing = ends.has(row.entries[0]) ? "" : " is-owing";
      return svg("rect", {
        x: xOfLane[row.target] - 3 + Math.min(depth, DRAWN.depth_max) * 3,
        y: row.y,
        width: 6,
        height: Math.max(2, end - row.y),
        rx: 2,
        class: `bar-of${owing}`,
      });
    });
}

function drawRow(row, xOfLane, width, tagsOf, openEntry) {
  const tags = [
    ...new Map(row.entries.flatMap((number) => tagsOf.get(number) ?? []).map((tag) => [tag.name, tag])).values(),
  ];
  const classes = [
    "step",
    `kind-${row.kind}`,
    row.trouble ? "is-bad" : "",
    tags.length ? (tags.some((tag) => tag.severity === "error") ? "is-evidence" : "is-warned") : "",
  ];
  const label = `${row.clock}, entry ${row.entries[0]}: ${row.text}`;
  const element = svg(
    "g",
    { class: classes.join(" ").trim(), "data-entry": row.entries[0] },
    svg("title", {}, label),
    svg("rect", { x: 0, y: row.y - DRAWN.row / 2, width, height: DRAWN.row, class: "band" }),
    row.first
      ? svg("text", { x: DRAWN.time - 24, y: row.y + 4, "text-anchor": "end", class: "clock" }, row.clock)
      : null,
    row.first ? svg("circle", { cx: DRAWN.time - 14, cy: row.y, r: 2.6, class: "clock-dot" }) : null,
    row.kind === "end"
      ? drawEnd(row, width)
      : row.target && row.target !== row.source
        ? drawArrow(row, xOfLane)
        : drawEvent(row, xOfLane[row.source], width),
    drawTags(row, tags, width),
  );
  element.addEventListener("click", () => openEntry(row.entries[0]));
  return { element, step: row };
}

const marked = (row) => (row.trouble && row.kind !== "fault" ? `✗ ${row.text}` : row.text);

function drawArrow(row, xOfLane) {
  const from = xOfLane[row.source];
  const to = xOfLane[row.target];
  const right = to > from;
  const x1 = from + (right ? 4 : -4);
  const x2 = to + (right ? -5 : 5);
  const dashed = row.kind === "answer" || row.kind === "look";
  const left = Math.min(from, to) + 11;
  return [
    svg("line", {
      x1,
      x2,
      y1: row.y + 5,
      y2: row.y + 5,
      class: dashed ? "arrow is-dashed" : "arrow",
      "marker-end": row.trouble ? "url(#arrow-bad)" : "url(#arrow)",
    }),
    right
      ? svg("text", { x: left, y: row.y, class: "words" }, marked(row))
      : svg("text", { x: Math.max(from, to) - 11, y: row.y, class: "words", "text-anchor": "end" }, marked(row)),
  ];
}

function drawEvent(row, x, width) {
  const far = x > width - DRAWN.tags - 190 && x > width / 2;
  const text = row.kind === "fault" ? `◆ ${row.text}` : marked(row);
  return [
    row.kind === "log"
      ? svg("rect", { x: x - 2.5, y: row.y - 2.5, width: 5, height: 5, class: "spot" })
      : row.kind === "fault"
        ? null
        : svg("circle", { cx: x, cy: row.y, r: 3.4, class: "spot" }),
    svg(
      "text",
      {
        x: row.kind === "fault" ? x + (far ? 5 : -5) : x + (far ? -10 : 10),
        y: row.y + 4,
        class: "words",
        "text-anchor": far ? "end" : "start",
      },
      text,
    ),
  ];
}

const drawEnd = (row, width) => [
  svg("line", { x1: DRAWN.time - 14, x2: width - DRAWN.tags, y1: row.y, y2: row.y, class: "end-line" }),
  svg("text", { x: DRAWN.time + 8, y: row.y + 4, class: "words" }, row.text),
];

function drawTags(row, tags, width) {
  if (!tags.length) return null;
  const [first, ...others] = tags;
  const name = first.name.length > 21 ? `${first.name.slice(0, 20)}…` : first.name;
  const text = `${first.severity === "warning" ? "!" : "✗"} ${name}${others.length ? ` +${others.length}` : ""}`;
  return svg(
    "g",
    { class: `tag is-${first.severity}` },
    svg("rect", {
      x: width - DRAWN.tags + 4,
      y: row.y - 9,
      width: Math.min(DRAWN.tags - 8, text.length * 6.6 + 16),
      height: 18,
      rx: 9,
    }),
    svg("text", { x: width - DRAWN.tags + 12, y: row.y + 3.5 }, text),
    svg("title", {}, tags.map((tag) => tag.name).join(", ")),
  );
}
