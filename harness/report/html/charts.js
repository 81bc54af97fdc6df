// Charts of the overview: track outcomes, latencies, cost of a picture.

const AXIS = { from: 0.1, to: 10800 };
const TICKS = [1, 10, 60, 300, 3600];
const CHART = { width: 300, height: 168, left: 34, right: 10, top: 20, bottom: 24 };

function chartsView() {
  const limits = [REPORT.limits_s.delivery, ...REPORT.limits_s.platforms];
  return [
    section(
      "outcomes",
      "Track outcomes",
      "Judged by decoding what GET image_url returns.",
      outcomeBars(),
    ),
    section(
      "answers",
      "Response time of the “complete” callback",
      `Share of deliveries answered within a time, in virtual seconds. After ${REPORT.limits_s.delivery} s the provider ` +
        "delivers again; platforms end a function after 10, 60 or 300 s. Missing responses keep a line below 100 %.",
      multiples(
        (each) => each.answered_s,
        (each) => each.answered_s.length + each.unanswered,
        limits,
        answeredNote,
        "answered",
      ),
    ),
    section(
      "pictures-after",
      "Time to a true 2K picture",
      "Share of all tracks that got one, counted from the first “complete” callback, including tracks that lose it again. Tracks that never got one keep a line below 100 %.",
      multiples(
        (each) => each.pictures_s,
        (each) => each.tracks,
        limits,
        picturesNote,
        "got a 2K picture",
      ),
    ),
    section(
      "cost",
      "Cost of a delivered 2K picture",
      "Generations paid per track that ended with one, on a logarithmic axis.",
      costDots(),
    ),
    section("figures", "All figures", "", figuresTable()),
  ];
}

function section(id, title, lead, ...content) {
  return el(
    "section",
    { class: "part", id, "aria-labelledby": `${id}-title` },
    el("h2", { id: `${id}-title` }, title),
    lead ? el("p", { class: "lead" }, lead) : null,
    ...content,
  );
}

/** In how many runs every invariant held, by implementation, the best first. */
function keptBars() {
  const sorted = [...REPORT.implementations].sort((one, other) => other.held / other.runs - one.held / one.runs);
  return el(
    "figure",
    { class: "kept-bars" },
    el("figcaption", {}, "Scenarios in which every invariant holds"),
    sorted.map((each) =>
      el(
        "div",
        { class: "bar-row" },
        el("span", { class: "who", title: each.sentence }, each.name),
        el(
          "div",
          { class: "kept-track", role: "img", "aria-label": `${each.name}: ${each.held} of ${each.runs}` },
          el("i", { style: { width: `${(each.held / Math.max(1, each.runs)) * 100}%` } }),
        ),
        el("span", { class: "number" }, String(each.held)),
      ),
    ),
  );
}

function outcomeBars() {
  const used = REPORT.outcomes.filter(([name]) => REPORT.implementations.some((each) => each.outcomes[name]));
  const legend = el(
    "ul",
    { class: "legend" },
    used.map(([name, label]) => el("li", {}, el("i", { class: `swatch of-${name}` }), label)),
  );
  const rows = REPORT.implementations.map((each) => {
    const parts = used.filter(([name]) => each.outcomes[name]);
    const words = parts.map(([name, label]) => `${percent(each.outcomes[name] / each.tracks)} ${label}`).join(", ");
    const bar = el(
      "div",
      { class: "bar", role: "img", "aria-label": `${each.name}: ${words || "no tracks"}` },
      parts.map(([name, label]) => {
        const share = each.outcomes[name] / each.tracks;
        return el(
          "span",
          {
            class: `of-${name}`,
            style: { "flex-grow": String(share) },
            title: `${label}: ${percent(share)}, ${counted(each.outcomes[name], "track")}`,
          },
          share >= 0.06 ? el("b", {}, percent(share)) : null,
        );
      }),
    );
    return el("div", { class: "bar-row" }, el("span", { class: "who" }, each.name), bar);
  });
  return el("div", { class: "bars" }, legend, rows);
}

const xOf = (value) => {
  const { left, right, width } = CHART;
  const share = Math.log(Math.max(value, AXIS.from) / AXIS.from) / Math.log(AXIS.to / AXIS.from);
  return left + Math.min(1, share) * (width - left - right);
};
const yOf = (share) => CHART.height - CHART.bottom - share * (CHART.height - CHART.top - CHART.bottom);

/** The path of a distribution: a step up at each value, then on to the right end. */
function stepsOf(values, total) {
  if (!values.length || !total) return `M${xOf(0)} ${yOf(0)}H${xOf(AXIS.to)}`;
  let path = `M${xOf(0).toFixed(1)} ${yOf(0)}`;
  values.forEach((value, index) => {
    if (value !== values[index + 1]) path += `H${xOf(value).toFixed(1)}V${yOf((index + 1) / total).toFixed(1)}`;
  });
  return `${path}H${xOf(AXIS.to).toFixed(1)}`;
}

function multiples(valuesOf, totalOf, limits, noteOf, done) {
  const paths = REPORT.implementations.map((each) => stepsOf(valuesOf(each), totalOf(each)));
  return el(
    "div",
    { class: "multiples" },
    REPORT.implementations.map((each, own) => {
      const values = valuesOf(each);
      const total = totalOf(each);
      const words = limits
        .map((limit) => `${percent(within(values, limit, total))} ${done} within ${limit} s`)
        .join(", ");
      return el(
        "figure",
        {},
        el("figcaption", {}, el("strong", {}, each.name), el("span", {}, noteOf(each))),
        svg(
          "svg",
          { viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "img", "aria-label": `${each.name}: ${words}` },
          axes(limits),
          paths.map((path, place) => (place === own ? null : svg("path", { d: path, class: "other-line" }))),
          svg("path", { d: `${paths[own]}V${yOf(0)}H${xOf(0)}Z`, class: "own-area" }),
          svg("path", { d: paths[own], class: "own-line" }),
        ),
      );
    }),
  );
}

function axes(limits) {
  const bottom = yOf(0);
  const shares = [0, 0.5, 1].map((share) => [
    svg("line", { x1: CHART.left, x2: CHART.width - CHART.right, y1: yOf(share), y2: yOf(share), class: "grid-line" }),
    svg("text", { x: CHART.left - 6, y: yOf(share) + 3.5, class: "tick", "text-anchor": "end" }, `${share * 100} %`),
  ]);
  const lines = limits.map((limit) =>
    svg("line", {
      x1: xOf(limit),
      x2: xOf(limit),
      y1: CHART.top - 4,
      y2: bottom,
      class: limit === REPORT.limits_s.delivery ? "limit-line is-delivery" : "limit-line",
    }),
  );
  const delivery = svg(
    "text",
    { x: xOf(REPORT.limits_s.delivery), "text-anchor": "middle", y: CHART.top - 7, class: "tick is-delivery" },
    `${REPORT.limits_s.delivery} s`,
  );
  const ticks = TICKS.map((value) =>
    svg(
      "text",
      { x: xOf(value), y: bottom + 15, class: "tick", "text-anchor": "middle" },
      value < 60 ? `${value} s` : value < 3600 ? `${value / 60} min` : `${value / 3600} h`,
    ),
  );
  return [shares, lines, delivery, ticks];
}

const within = (values, limit, total) => (total ? values.filter((value) => value <= limit).length / total : NaN);

function answeredNote(each) {
  const total = each.answered_s.length + each.unanswered;
  return total
    ? `${percent(within(each.answered_s, REPORT.limits_s.delivery, total))} within ${REPORT.limits_s.delivery} s · p95 ${seconds(percentile(each.answered_s, 0.95))}`
    : "no deliveries";
}

function picturesNote(each) {
  return each.pictures_s.length
    ? `${percent(each.pictures_s.length / each.tracks)} · p50 ${seconds(percentile(each.pictures_s, 0.5))} · p95 ${seconds(percentile(each.pictures_s, 0.95))}`
    : "none";
}

function costDots() {
  const costs = REPORT.implementations.map((each) => each.cost).filter((cost) => cost !== null);
  const most = Math.max(2, ...costs) * 1.15;
  const xAt = (cost) => (Math.log(Math.max(cost, 0.8) / 0.8) / Math.log(most / 0.8)) * 100;
  const ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500].filter((tick) => tick <= most);
  const rows = REPORT.implementations.map((each) => {
    const place = each.cost === null ? null : `${xAt(each.cost)}%`;
    const words =
      each.cost === null
        ? `no 2K picture for ${counted(each.generations, "generation")}`
        : `${each.cost.toFixed(2)} generations`;
    return el(
      "div",
      { class: "dot-row" },
      el("span", { class: "who" }, each.name),
      el(
        "div",
        { class: "dot-track", role: "img", "aria-label": `${each.name}: ${words}` },
        ticks.map((tick) => el("i", { class: "dot-tick", style: { left: `${xAt(tick)}%` } })),
        place === null ? null : el("i", { class: "dot-line", style: { width: place } }),
        place === null ? null : el("i", { class: "dot", style: { left: place } }),
      ),
      el("span", { class: "number" }, each.cost === null ? "–" : each.cost.toFixed(2)),
    );
  });
  const axis = el(
    "div",
    { class: "dot-row dot-axis", "aria-hidden": "true" },
    el("span", { class: "who" }),
    el(
      "div",
      { class: "dot-track" },
      ticks.map((tick) => el("span", { class: "tick", style: { left: `${xAt(tick)}%` } }, String(tick))),
    ),
    el("span", { class: "number" }),
  );
  return el("div", { class: "dots" }, rows, axis);
}

function figuresTable() {
  const columns = [
    ["all held", (each) => `${each.held} of ${each.runs}`],
    ...REPORT.outcomes
      .filter(([name]) => REPORT.implementations.some((each) => each.outcomes[name]))
      .map(([name, label]) => [label, (each) => percent((each.outcomes[name] ?? 0) / each.tracks)]),
    ["picture p50", (each) => seconds(percentile(each.pictures_s, 0.5))],
    ["p95", (each) => seconds(percentile(each.pictures_s, 0.95))],
    ["p99", (each) => seconds(percentile(each.pictures_s, 0.99))],
    ["response p50", (each) => seconds(percentile(each.answered_s, 0.5))],
    ["p95", (each) => seconds(percentile(each.answered_s, 0.95))],
    ["p99", (each) => seconds(percentile(each.answered_s, 0.99))],
    ["unanswered", (each) => String(each.unanswered)],
    ["pictures paid", (each) => String(each.generations)],
    ["per 2K picture", (each) => (each.cost === null ? "–" : each.cost.toFixed(2))],
  ];
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "All figures" },
    el(
      "table",
      { class: "figures" },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "col" }, "implementation"),
          columns.map(([name]) => el("th", { scope: "col" }, name)),
        ),
      ),
      el(
        "tbody",
        {},
        REPORT.implementations.map((each) =>
          el(
            "tr",
            {},
            el("th", { scope: "row", title: each.sentence }, each.name),
            columns.map(([, cell]) => el("td", {}, cell(each))),
          ),
        ),
      ),
    ),
  );
}
