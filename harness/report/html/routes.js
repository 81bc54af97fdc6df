// Navigation, keyboard shortcuts, and the light and dark themes.

const THEMES = ["auto", "light", "dark"];
const KEYS = [
  ["/", "search"],
  ["← ↑ → ↓", "move in the matrix, Enter opens a run"],
  ["j k", "next, previous scenario"],
  ["l h", "next, previous implementation"],
  ["Esc", "back to all runs"],
  ["?", "this list"],
];
let overviewElement = null;
let overviewScroll = 0;
let here = null;
let turns = 0;

function overviewView() {
  const [first, ...others] = REPORT.conclusion;
  const total = REPORT.runs.flat().filter(Boolean).length;
  return el(
    "div",
    { class: "overview" },
    el(
      "section",
      { class: "conclusion" },
      el(
        "div",
        {},
        el("h1", {}, first),
        others.length
          ? el(
              "ul",
              {},
              others.map((line) => el("li", {}, line)),
            )
          : null,
      ),
      keptBars(),
      el(
        "p",
        { class: "run-facts" },
        `${counted(total, "run")}: ${counted(REPORT.scenarios.length, "scenario")} by ${counted(REPORT.implementations.length, "implementation")}, ${REPORT.simulated_h.toLocaleString("en")} simulated hours.`,
      ),
      neverActedView(),
    ),
    el(
      "nav",
      { class: "contents", "aria-label": "Parts of this page" },
      [
        ["matrix", "Every run"],
        ["outcomes", "Track outcomes"],
        ["answers", "Response time"],
        ["pictures-after", "Time to a picture"],
        ["cost", "Cost"],
        ["figures", "Figures"],
      ].map(([id, label]) =>
        el("button", { type: "button", onclick: () => byId(id).scrollIntoView({ behavior: "smooth" }) }, label),
      ),
    ),
    matrixView(),
    chartsView(),
  );
}

/** The faults and answers of scenarios that never acted, folded. */
function neverActedView() {
  const idle = REPORT.never_acted;
  if (!idle.length) return null;
  return el(
    "details",
    { class: "aside" },
    el("summary", {}, `! ${counted(idle.length, "fault")} or answers of scenarios did not act everywhere`),
    el(
      "ul",
      {},
      idle.map((sentence) => el("li", {}, sentence)),
    ),
  );
}

async function go() {
  const main = byId("main");
  const [, where, ...rest] = location.hash.split("/");
  const before = here;
  const moved = main.firstChild !== null;
  const turn = ++turns;
  if (before === null && moved) overviewScroll = scrollY;
  if (where === "run") {
    const [scenario, implementation, entry] = rest.map(decoded);
    const row = REPORT.scenarios.findIndex((each) => each.name.toWellFormed() === scenario);
    const column = REPORT.implementations.findIndex((each) => each.name.toWellFormed() === implementation);
    here = { scenario: row, implementation: column };
    document.title = `${scenario} · ${implementation}`;
    const shown =
      row < 0 || column < 0
        ? el("p", { class: "notice" }, "There is no such run in this report. ", el("a", { href: "#/" }, "All runs"))
        : await runView(row, column, Number(entry) || null);
    if (turn !== turns) return; // the user has moved on while the run was unpacked
    main.replaceChildren(shown);
    if (!entry) scrollTo(0, 0);
    announce(`${scenario}, ${implementation}`);
    if (moved && !entry) main.focus({ preventScroll: true });
    return;
  }
  here = null;
  document.title = REPORT_TITLE;
  overviewElement ??= overviewView();
  main.replaceChildren(overviewElement);
  scrollTo(0, overviewScroll);
  if (before) overviewElement.querySelector('.cell-link[tabindex="0"]')?.focus({ preventScroll: true });
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const REPORT_TITLE = document.title;

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  byId("theme-button").textContent = { auto: "Auto", light: "Light", dark: "Dark" }[name];
  byId("theme-button").setAttribute("aria-label", `Theme: ${name}; press to change`);
}

byId("theme-button").addEventListener("click", () => {
  const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
  setTheme(next);
  remember("theme", next);
});
const remembered = remember("theme");
setTheme(THEMES.includes(remembered) ? remembered : "auto");

const help = byId("help");
help.append(
  el("h2", { id: "help-title" }, "Keys"),
  el(
    "dl",
    {},
    KEYS.map(([key, label]) => [
      el(
        "dt",
        {},
        key.split(" ").map((each) => el("kbd", {}, each)),
      ),
      el("dd", {}, label),
    ]),
  ),
  el("form", { method: "dialog" }, el("button", {}, "Close")),
);
byId("help-button").addEventListener("click", () => help.showModal());

byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});

addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (event.key === "Escape") {
    if (typing) event.target.blur();
    else if (here) location.hash = "#/";
    return;
  }
  if (typing) return;
  if (event.key === "/") {
    const search = document.querySelector("main input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  } else if (event.key === "?") help.showModal();
  else if (here) {
    const [down, right] = { j: [1, 0], k: [-1, 0], l: [0, 1], h: [0, -1] }[event.key] ?? [0, 0];
    if (!down && !right) return;
    const scenario = Math.min(REPORT.scenarios.length - 1, Math.max(0, here.scenario + down));
    const implementation = Math.min(REPORT.implementations.length - 1, Math.max(0, here.implementation + right));
    location.hash = routeOf(scenario, implementation);
  }
});

byId("facts").textContent = `seed ${REPORT.seed} · harness ${REPORT.harness}`;
addEventListener("hashchange", go);
history.scrollRestoration = "manual";
const only = REPORT.runs.length === 1 && REPORT.implementations.length === 1;
if (only && !location.hash) history.replaceState(null, "", routeOf(0, 0));
go();
