// The matrix: a row for each scenario, a cell for each implementation; with filters, search and arrow keys.

const SHOWN = [
  ["all", "all scenarios", () => true],
  ["violated", "violated by some", (row) => row.some((cell) => cell && cell[0].length)],
  [
    "differ",
    "where they differ",
    (row) => new Set(row.map((cell) => (cell && cell[0].length ? "violated" : "held"))).size > 1,
  ],
  ["none", "held by none", (row) => row.every((cell) => !cell || cell[0].length || cell[2].length)],
  ["unknown", "inconclusive", (row) => row.some((cell) => cell && cell[2].length)],
];

function matrixView() {
  const rows = [];
  const cells = [];
  const count = el("p", { class: "count", role: "status" });
  const search = el("input", {
    type: "search",
    id: "search",
    placeholder: "Search scenarios",
    "aria-label": "Search scenarios",
    "aria-keyshortcuts": "/",
    autocomplete: "off",
    spellcheck: "false",
  });
  const group = choice("Group", [["", "every group"], ...groupsOf().map((name) => [name, name || "no group"])]);
  const shown = choice(
    "Outcome",
    SHOWN.map(([name, label]) => [name, label]),
  );
  const invariant = choice("Invariant", [
    ["", "any invariant"],
    ...violatedInvariants().map((place) => [String(place), INVARIANTS[place].name]),
  ]);
  const body = [];
  let current = null;

  for (const name of groupsOf()) {
    const heading = el(
      "tr",
      { class: "group-row" },
      el("th", { scope: "rowgroup", colspan: String(REPORT.implementations.length + 2) }, name || "scenarios"),
    );
    const section = el("tbody", {}, heading);
    REPORT.scenarios.forEach((scenario, place) => {
      if (scenario.group !== name) return;
      const links = REPORT.implementations.map((implementation, position) => {
        const outcome = outcomeOf(REPORT.runs[place][position]);
        if (outcome.state === "missing") return el("td", { class: "cell is-missing" });
        const link = el(
          "a",
          {
            href: routeOf(place, position),
            tabindex: "-1",
            class: `cell-link is-${outcome.state}`,
            title: `${implementation.name}: ${outcome.words}`,
            "aria-label": `${implementation.name} in ${scenario.name}: ${outcome.words}`,
          },
          outcome.mark,
          outcome.warned ? el("sup", {}, "!") : null,
        );
        return el("td", { class: "cell" }, link);
      });
      const row = el(
        "tr",
        {},
        el(
          "th",
          { scope: "row", title: scenario.why },
          name ? el("span", { class: "faint" }, `${name}/`) : null,
          scenario.name.slice(name ? name.length + 1 : 0),
        ),
        links,
        el("td", { class: "why" }, firstSentence(scenario.why)),
      );
      cells.push(links.map((cell) => cell.firstChild));
      rows.push({
        row,
        place,
        group: name,
        words: `${scenario.name} ${scenario.why}`.toLowerCase(),
        section,
        links: links.map((cell) => cell.firstChild),
      });
      section.append(row);
    });
    body.push(section);
  }

  function rove(link) {
    if (current) current.tabIndex = -1;
    current = link;
    link.tabIndex = 0;
  }

  function apply() {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = SHOWN.find(([name]) => name === shown.value)[2];
    const violated = invariant.value === "" ? null : Number(invariant.value);
    let visible = 0;
    for (const { row, place, group: own, words, links } of rows) {
      const runs = REPORT.runs[place];
      const says =
        violated === null || runs.some((cell) => cell && (cell[0].includes(violated) || cell[1].includes(violated)));
      row.hidden = !(
        (group.value === "" || group.value === own) &&
        says &&
        fits(runs) &&
        wanted.every((word) => words.includes(word))
      );
      if (!row.hidden) visible += 1;
      links.forEach((link, position) => {
        const cell = runs[position];
        link?.classList.toggle("is-dim", violated !== null && !(cell[0].includes(violated) || cell[1].includes(violated)));
      });
    }
    for (const section of body)
      section.hidden = rows.filter((each) => each.section === section).every((each) => each.row.hidden);
    const all = rows.length;
    count.textContent = visible === all ? counted(all, "scenario") : `${visible} of ${counted(all, "scenario")}`;
    if (!current || current.closest("[hidden]")) {
      const first = rows.find((each) => !each.row.hidden)?.links.find(Boolean);
      if (first) rove(first);
    }
  }

  function walk(event) {
    const steps = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      Home: [0, -Infinity],
      End: [0, Infinity],
    };
    const step = steps[event.key];
    if (!step || !event.target.classList.contains("cell-link")) return;
    event.preventDefault();
    const visible = rows.filter((each) => !each.row.hidden);
    const at = visible.findIndex((each) => each.links.includes(event.target));
    const row = visible[Math.min(visible.length - 1, Math.max(0, at + step[0]))];
    const column = visible[at].links.indexOf(event.target) + step[1];
    row.links[Math.min(row.links.length - 1, Math.max(0, column))]?.focus();
  }

  for (const control of [search, group, shown, invariant]) control.addEventListener("input", apply);
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      current?.focus();
    }
  });
  apply();

  const table = el(
    "table",
    {
      class: "matrix",
      role: "grid",
      "aria-label": "Scenarios by implementations",
      onkeydown: walk,
      onfocusin: (event) => event.target.classList.contains("cell-link") && rove(event.target),
    },
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "col" }, "scenario"),
        REPORT.implementations.map((each) =>
          el(
            "th",
            { scope: "col", class: "cell", title: each.sentence },
            el("span", { class: "column-name" }, each.name),
          ),
        ),
        el("th", { scope: "col", class: "why" }, "what it is for"),
      ),
      el(
        "tr",
        { class: "kept" },
        el("th", { scope: "row" }, "all held in"),
        REPORT.implementations.map((each) => el("td", { class: "cell" }, String(each.held))),
        el("td", { class: "why" }, `of ${REPORT.scenarios.length}`),
      ),
    ),
    body,
  );
  return section(
    "matrix",
    "Every run",
    "",
    el("div", { class: "filters" }, search, group.labelled, shown.labelled, invariant.labelled, count),
    el("div", { class: "scroll matrix-scroll" }, table),
    el(
      "p",
      { class: "key" },
      keyItem("held", "✓", "all held"),
      keyItem("held", "✓!", "held, with a warning"),
      keyItem("violated", "✗3", "3 violated"),
      keyItem("unknown", "?", "inconclusive"),
    ),
  );
}

const keyItem = (state, mark, label) => el("span", {}, el("i", { class: `cell-link is-${state}` }, mark), label);

function choice(name, options) {
  const select = el(
    "select",
    {},
    options.map(([value, label]) => el("option", { value }, label)),
  );
  select.labelled = el("label", {}, el("span", {}, name), select);
  return select;
}

const groupsOf = () => [...new Set(REPORT.scenarios.map((scenario) => scenario.group))];

function violatedInvariants() {
  const violated = new Set(REPORT.runs.flat().flatMap((cell) => (cell ? [...cell[0], ...cell[1]] : [])));
  return INVARIANTS.map((_, place) => place).filter((place) => violated.has(place));
}

function firstSentence(text) {
  const end = text.replace(/\s+/g, " ").match(/^.*?\.(?= |$)/);
  return end ? end[0] : text;
}
