// The bench: curves, outcomes, the Pareto front, and all figures.

const LIMITS = [REPORT.limits_s.delivery, ...REPORT.limits_s.platforms];

/** A distribution through its points: [seconds, share], a step up at each. */
function curveOf(points) {
  let path = `M${xOf(0).toFixed(1)} ${yOf(0)}`;
  for (const [value, share] of points) path += `H${xOf(value).toFixed(1)}V${yOf(share).toFixed(1)}`;
  return `${path}H${xOf(AXIS.to).toFixed(1)}`;
}

function curves(what) {
  const paths = REPORT.implementations.map((each) => curveOf(each.curves[what]));
  return el("div", { class: "multiples" }, REPORT.implementations.map((each, own) =>
    el("figure", {},
      el("figcaption", {}, el("strong", { title: each.sentence }, each.name), el("span", {}, each.notes[what])),
      svg("svg", { viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "img", "aria-label": `${each.name}: ${each.notes[what]}` },
        axes(LIMITS),
        paths.map((path, place) => (place === own ? null : svg("path", { d: path, class: "other-line" }))),
        svg("path", { d: `${paths[own]}V${yOf(0)}H${xOf(0)}Z`, class: "own-area" }),
        svg("path", { d: paths[own], class: "own-line" })))));
}

const FIELD = { width: 640, height: 300, left: 52, right: 160, top: 16, bottom: 40 };

/** Share of 2K pictures against how late they come; the larger the circle, the dearer the picture. */
function scatter() {
  const shown = REPORT.implementations.filter((each) => each.late_s !== null && each.cost !== null);
  if (!shown.length) return el("p", { class: "lead" }, "No strategy delivered a picture.");
  const lates = shown.map((each) => each.late_s);
  const from = Math.min(...lates) / 1.15;
  const to = Math.max(...lates) * 1.15;
  const least = Math.floor(Math.min(...shown.map((each) => each.share)) * 20 - 0.5) / 20;
  const cheapest = Math.min(...shown.map((each) => each.cost));
  const x = (late) => FIELD.left + (Math.log(late / from) / Math.log(to / from)) * (FIELD.width - FIELD.left - FIELD.right);
  const y = (share) => FIELD.top + ((1 - share) / (1 - least)) * (FIELD.height - FIELD.top - FIELD.bottom);
  const bottom = FIELD.height - FIELD.bottom;
  const shares = [least, (least + 1) / 2, 1].map((share) => [
    svg("line", { x1: FIELD.left, x2: FIELD.width - FIELD.right, y1: y(share), y2: y(share), class: "grid-line" }),
    svg("text", { x: FIELD.left - 8, y: y(share) + 3.5, class: "tick", "text-anchor": "end" }, `${(share * 100).toFixed(share === 1 ? 0 : 1)} %`),
  ]);
  const ticks = [1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200].filter((tick) => tick > from && tick < to);
  const axis = ticks.map((tick) => [
    svg("line", { x1: x(tick), x2: x(tick), y1: FIELD.top, y2: bottom, class: "grid-line" }),
    svg("text", { x: x(tick), y: bottom + 15, class: "tick", "text-anchor": "middle" }, seconds(tick)),
  ]);
  const title = svg("text", { x: FIELD.left, y: FIELD.height - 6, class: "tick" }, "p95 of the time from finished music to the picture");
  const taken = [];
  const points = [...shown].sort((one, other) => other.share - one.share).map((each) => {
    const words = `${each.name}: ${percent(each.share)} true 2K, p95 ${seconds(each.late_s)}, ${each.cost.toFixed(3)} generations each`;
    const [left, top] = [x(each.late_s), y(each.share)];
    let name = top + 4;
    while (taken.some((other) => Math.abs(other - name) < 13)) name += 13;
    taken.push(name);
    return svg("g", { class: each.front ? "is-front" : null, role: "img", "aria-label": words },
      svg("title", {}, words),
      svg("circle", { cx: left, cy: top, r: 4 + Math.min(14, (each.cost - cheapest) * 60) }),
      svg("line", { x1: left + 6, y1: top, x2: FIELD.width - FIELD.right + 4, y2: name - 4, class: "limit-line" }),
      svg("text", { x: FIELD.width - FIELD.right + 8, y: name, class: "name" }, `${each.front ? "★ " : ""}${each.name}`));
  });
  return el("figure", { class: "pareto" }, svg("svg", { viewBox: `0 0 ${FIELD.width} ${FIELD.height}` }, shares, axis, title, points));
}

function frontWords() {
  const ahead = REPORT.implementations.filter((each) => each.front).map((each) => each.name);
  const behind = REPORT.implementations.filter((each) => !each.front);
  return el("ul", {}, el("li", {}, `On the Pareto front: ${ahead.join(", ")}.`),
    behind.map((each) => el("li", { class: "aside" }, `${each.name} is dominated by ${each.behind.join(", ")}.`)));
}

function tableOf(rowsOf, label) {
  const shown = REPORT.implementations.filter((each) => rowsOf(each).length);
  if (!shown.length) return null;
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    el("table", { class: "figures" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, ""), shown.map((each) => el("th", { scope: "col", title: each.sentence }, each.name)))),
      el("tbody", {}, rowsOf(shown[0]).map(([name], place) => el("tr", {}, el("th", { scope: "row" }, name), shown.map((each) => {
        const [, value, sure] = rowsOf(each)[place];
        return el("td", {}, value, sure ? el("span", { class: "sure" }, sure) : null);
      }))))));
}

function draw() {
  const plan = REPORT.plan.map(([name, value]) => el("span", {}, name ? `${name}: ` : "", el("strong", {}, value)));
  byId("facts").textContent = REPORT.plan.map(([name, value]) => (name ? `${name} ${value}` : value)).join(" · ");
  const differences = tableOf((each) => each.differences, "Differences");
  const sure = "The 95 % confidence interval is in small type.";
  byId("main").append(
    el("div", { class: "bench-head" }, el("h1", {}, "The same tracks, the same draws, different strategies"), el("p", { class: "bench-plan" }, plan)),
    section("answers", "Time to answer the “complete” callback",
      `Share of deliveries answered within a time, in virtual seconds. The provider's timeout is ${REPORT.limits_s.delivery} s; platforms end a function after 10, 60 or 300 s.`, curves("answer")),
    section("pictures", "From finished music to a true 2K picture", "Share of all tracks. A line that stays below 100 % shows that tracks end without one.", curves("picture")),
    section("wishes", "From the user's request to a true 2K picture", "The same, counted from the moment when the track was to be requested.", curves("wish")),
    section("outcomes", "How tracks end", "Judged by the picture at the URL on the track.", outcomeBars()),
    section("front", "Pareto front", "Share of true 2K pictures against their p95; larger circles cost more generations for each. ★: no other strategy is better in one of these, or in the share answered within 15 s, without being worse in another.", scatter(), frontWords()),
    differences ? section("differences", `The same tracks, compared with ${REPORT.reference}`, `Track by track; negative is less. ${sure}`, differences) : null,
    section("figures", "All figures", sure, tableOf((each) => each.rows, "All figures")),
    section("sources", "Where the model's figures are from", "", el("ul", {}, REPORT.sources.map(([what, source]) => el("li", {}, el("strong", {}, `${what}: `), source)))));
}

const THEMES = ["light", "dark"];
function wear(theme) {
  if (THEMES.includes(theme)) document.documentElement.dataset.theme = theme;
}
wear(remember("theme"));
byId("theme-button").addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  wear(dark ? "light" : "dark");
  remember("theme", document.documentElement.dataset.theme);
});
draw();
