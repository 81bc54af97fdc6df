// One run: its verdicts, pictures, diagram and journal.

const OUTCOME_WORDS = Object.fromEntries(REPORT.outcomes);

async function runView(scenario, implementation, entry) {
  const block = await blockOf(scenario);
  const view = block.runs[implementation];
  if (!view) return el("p", { class: "notice" }, "This implementation was not put through this scenario.");
  const about = REPORT.scenarios[scenario];
  const who = REPORT.implementations[implementation];
  const outcome = outcomeOf(REPORT.runs[scenario][implementation]);
  const journal = journalView(view, block.facts);
  const diagram = diagramView(view, (number) => journal.open(number));
  const verdicts = verdictsView(view, diagram, journal);

  const article = el(
    "article",
    { class: "run" },
    neighbours(scenario, implementation),
    el(
      "header",
      { class: "run-head" },
      el(
        "h1",
        {},
        el("span", { class: "faint" }, about.group ? `${about.group}/` : ""),
        about.name.slice(about.group ? about.group.length + 1 : 0),
        el("small", {}, who.name),
      ),
      el(
        "p",
        { class: `result is-${outcome.state}` },
        el("b", {}, outcome.state === "violated" ? "✗" : outcome.mark),
        ` ${headline(view, outcome)}`,
      ),
      view.causes.map(causeView),
      about.why ? el("p", { class: "why-text" }, about.why) : null,
      about.impossible.map(([name, reason]) =>
        el("p", { class: "aside" }, "Impossible in this scenario: ", el("code", {}, name), `: ${reason}.`),
      ),
      view.never_acted.map((sentence) => el("p", { class: "aside" }, `! ${sentence}.`)),
      el(
        "p",
        { class: "run-facts" },
        `${view.simulated} of virtual time · ${view.ending} · seed ${REPORT.seed}${view.world === "live" ? " · over real sockets" : ""}`,
      ),
      replayLine(view.replay),
    ),
    el(
      "div",
      { class: "run-body" },
      el(
        "div",
        { class: "run-side" },
        outcome.state === "held" ? [tracksView(view), verdicts] : [verdicts, tracksView(view)],
      ),
      el(
        "section",
        { class: "run-main", "aria-labelledby": "diagram-title" },
        el("h2", { id: "diagram-title" }, "What happened"),
        diagram.element,
      ),
    ),
    journal.element,
    block.text
      ? el("details", { class: "file" }, el("summary", {}, "The scenario's file"), el("pre", {}, block.text))
      : null,
  );
  if (entry) requestAnimationFrame(() => journal.open(entry));
  return article;
}

/** What deviated, the code that did it, and what follows from it. */
function causeView([sentence, where, invariants]) {
  return el(
    "div",
    { class: "deviation" },
    el("p", {}, sentence),
    where.length ? el("ol", { "aria-label": "Code, innermost first" }, where.map((each) => el("li", {}, el("code", {}, each)))) : null,
    el("p", { class: "follows" }, "therefore ", invariants.map((name) => el("code", {}, name))),
  );
}

function headline(view, outcome) {
  const violated = view.verdicts.filter(([, state, severity]) => state === "violated" && severity === "error").length;
  if (violated) return `${counted(violated, "invariant")} violated`;
  return outcome.state === "unknown" ? "Inconclusive" : "All held";
}

/** Links to the other implementations in this scenario, and to the previous and next scenario. */
function neighbours(scenario, implementation) {
  const last = REPORT.scenarios.length - 1;
  const step = (to, mark, label) =>
    to < 0 || to > last
      ? el("span", { class: "step-link is-off", "aria-hidden": "true" }, mark)
      : el(
          "a",
          {
            class: "step-link",
            href: routeOf(to, implementation),
            title: REPORT.scenarios[to].name,
            "aria-label": `${label}: ${REPORT.scenarios[to].name}`,
          },
          mark,
        );
  return el(
    "nav",
    { class: "neighbours", "aria-label": "Other runs" },
    el("a", { href: "#/", class: "back" }, "← All runs"),
    el(
      "ul",
      {},
      REPORT.implementations.map((each, place) => {
        const outcome = outcomeOf(REPORT.runs[scenario][place]);
        const here = place === implementation;
        if (outcome.state === "missing") return null;
        return el(
          "li",
          {},
          el(
            "a",
            {
              href: routeOf(scenario, place),
              class: here ? "is-here" : "",
              "aria-current": here ? "page" : null,
              title: outcome.words,
            },
            el("i", { class: `cell-link is-${outcome.state}` }, outcome.mark),
            each.name,
          ),
        );
      }),
    ),
    el(
      "span",
      { class: "step-links" },
      step(scenario - 1, "↑", "previous scenario"),
      step(scenario + 1, "↓", "next scenario"),
    ),
  );
}

function replayLine(command) {
  const button = el(
    "button",
    {
      type: "button",
      onclick: async () => {
        const done = await copy(command, code);
        button.textContent = done ? "Copied" : "Selected";
        announce(done ? "Command copied" : "Command selected");
        setTimeout(() => (button.textContent = "Copy"), 1600);
      },
    },
    "Copy",
  );
  const code = el("code", {}, command);
  return el("p", { class: "replay" }, el("span", {}, "replay"), code, button);
}

async function copy(text, element) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return false;
  }
}

function verdictsView(view, diagram, journal) {
  const ranks = { violated: 0, unknown: 1, held: 2, "not applicable": 3 };
  const sorted = [...view.verdicts].sort(
    (one, other) => ranks[one[1]] - ranks[other[1]] || (one[2] === "warning") - (other[2] === "warning"),
  );
  const cards = [];
  const card = ([name, state, severity, reason, evidence]) => {
    const kind = state === "violated" && severity === "warning" ? "warned" : state;
    const { mark, word } = STATES[kind];
    const show = el("button", { type: "button", class: "show", "aria-pressed": "false" }, "Show evidence");
    const choose = () => {
      const on = show.getAttribute("aria-pressed") !== "true";
      for (const each of cards) each.show.setAttribute("aria-pressed", "false");
      show.setAttribute("aria-pressed", String(on));
      diagram.bringOut(on ? evidence : null);
      if (on) diagram.rowOf(evidence[0])?.scrollIntoView({ block: "center", behavior: "smooth" });
    };
    show.addEventListener("click", choose);
    cards.push({ show });
    const sentence = INVARIANTS.find((each) => each.name === name)?.sentence;
    return el(
      "li",
      { class: `verdict is-${kind}` },
      el("b", { class: "verdict-mark", title: word, "aria-label": word }, mark),
      el(
        "div",
        {},
        el("strong", { title: sentence }, name),
        kind === "warned" ? el("em", {}, " warning") : null,
        el("p", {}, reason),
        evidence.length
          ? el(
              "p",
              { class: "evidence" },
              show,
              evidence
                .slice(0, 8)
                .map((number) =>
                  el(
                    "button",
                    { type: "button", class: "entry-link", onclick: () => journal.open(number) },
                    `#${number}`,
                  ),
                ),
            )
          : null,
      ),
    );
  };
  const open = sorted.filter(([, state]) => state === "violated" || state === "unknown");
  const rest = sorted.filter(([, state]) => state === "held" || state === "not applicable");
  return el(
    "section",
    { class: "verdicts", "aria-labelledby": "verdicts-title" },
    el("h2", { id: "verdicts-title" }, "Invariants"),
    open.length ? el("ul", {}, open.map(card)) : null,
    rest.length
      ? el(
          "details",
          open.length ? {} : { open: true },
          el(
            "summary",
            {},
            `${rest.filter(([, state]) => state === "held").length} held, ${rest.filter(([, state]) => state !== "held").length} do not apply`,
          ),
          el("ul", {}, rest.map(card)),
        )
      : null,
  );
}

function tracksView(view) {
  if (!view.tracks.length) return null;
  return el(
    "section",
    { class: "tracks", "aria-labelledby": "tracks-title" },
    el(
      "h2",
      { id: "tracks-title" },
      view.tracks.length === 1 ? "The track at the end" : `${view.tracks.length} tracks at the end`,
    ),
    view.tracks.map((track) => {
      const picture = pictureOf(track.picture);
      const size = picture ? `${picture.width} × ${picture.height}` : null;
      const enlarged = picture && track.made && Math.max(...track.made) < Math.max(picture.width, picture.height);
      return el(
        "figure",
        { class: "track" },
        picture
          ? el("img", {
              src: picture.source,
              alt: `The picture on the track, ${size} pixels`,
              width: 320,
              height: Math.round((320 * picture.height) / picture.width),
              class: picture.height > picture.width ? "is-tall" : null,
            })
          : el("div", { class: "no-picture" }, track.url ? "does not load" : "no picture"),
        el(
          "figcaption",
          {},
          el(
            "strong",
            {},
            size
              ? `${size} ${picture.format.toUpperCase()}`
              : (track.problem ?? (track.url ? "The picture was not downloaded" : "The track has no image_url")),
          ),
          enlarged ? el("p", { class: "aside" }, `made at ${track.made.join(" × ")}, then enlarged`) : null,
          track.outcome
            ? el(
                "p",
                {},
                OUTCOME_WORDS[track.outcome] ?? track.outcome,
                track.picture_after_s === null ? null : `, ${seconds(track.picture_after_s)} after the callback`,
              )
            : null,
          fieldsOf(track.final, view.tracks.length > 1),
        ),
      );
    }),
  );
}

function fieldsOf(row, folded) {
  if (!row) return el("p", { class: "aside" }, "No row in the store.");
  const label = (value) =>
    value === null ? el("i", {}, "null") : typeof value === "string" ? value : JSON.stringify(value);
  const list = el(
    "dl",
    {},
    Object.entries(row).map(([name, value]) => [el("dt", {}, name), el("dd", {}, label(value))]),
  );
  return folded ? el("details", {}, el("summary", {}, "Fields"), list) : list;
}
