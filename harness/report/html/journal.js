// The journal of a run: a searchable list of entries that open, linked from verdicts and the diagram.

const ENTRIES_AT_ONCE = 250;

function journalView(view, allFacts) {
  const evidenceOf = new Map();
  for (const [name, state, , , evidence] of view.verdicts)
    if (state === "violated")
      for (const number of evidence) evidenceOf.set(number, [...(evidenceOf.get(number) ?? []), name]);
  const byNumber = new Map();
  const list = el("ol", { class: "entries" });
  const search = el("input", {
    type: "search",
    placeholder: "Search the journal",
    "aria-label": "Search the journal",
    autocomplete: "off",
  });
  const more = el("button", { type: "button", class: "more" });
  let limit = ENTRIES_AT_ONCE;

  const entryOf = (each) => {
    const [number, clock, kind, cause, label, place] = each;
    if (byNumber.has(number)) return byNumber.get(number);
    const names = evidenceOf.get(number);
    const details = el(
      "details",
      { id: `entry-${number}`, class: names ? "entry is-evidence" : "entry" },
      el(
        "summary",
        {},
        el("span", { class: "entry-clock" }, clock),
        el("span", { class: "entry-number" }, `#${number}`),
        el("span", { class: `kind of-${kind.split(".")[0]}` }, kind),
        el("span", { class: "entry-text" }, label),
        names ? el("span", { class: "entry-names" }, names.map((name) => `✗ ${name}`).join(", ")) : null,
      ),
    );
    details.addEventListener("toggle", () => {
      if (details.open && !details.querySelector("pre")) details.append(...factsOf(cause, allFacts[place]));
    });
    const item = el("li", {}, details);
    byNumber.set(number, item);
    return item;
  };
  const factsOf = (cause, facts) => {
    const picture = facts.body && typeof facts.body === "object" ? pictureOf(facts.body.sha256) : undefined;
    return [
      cause
        ? el(
            "p",
            { class: "cause" },
            "caused by ",
            el("button", { type: "button", class: "entry-link", onclick: () => open(cause) }, `#${cause}`),
          )
        : null,
      picture
        ? el("img", {
            src: picture.source,
            alt: `The picture in this body, ${picture.width} × ${picture.height} pixels`,
            width: 200,
          })
        : null,
      el("pre", { tabindex: "0" }, jsonOf(facts)),
    ].filter(Boolean);
  };
  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = words.length
      ? view.entries.filter((each) => words.every((word) => textOf(each).includes(word)))
      : view.entries;
    list.replaceChildren(...found.slice(0, limit).map(entryOf));
    more.hidden = found.length <= limit;
    more.textContent = `Show all ${found.length.toLocaleString("en")} entries`;
  };
  const textOf = (each) =>
    (each.text ??= `#${each[0]} ${each[2]} ${each[4]} ${JSON.stringify(allFacts[each[5]])}`.toLowerCase());
  const open = (number) => {
    if (!list.contains(byNumber.get(number) ?? null)) {
      search.value = "";
      limit = Infinity;
      apply();
    }
    const details = byNumber.get(number)?.firstChild;
    if (!details) return;
    details.open = true;
    details.scrollIntoView({ block: "center", behavior: "smooth" });
    details.querySelector("summary").focus({ preventScroll: true });
    const parts = location.hash.split("/").slice(0, 4);
    history.replaceState(null, "", `${parts.join("/")}/${number}`);
  };
  search.addEventListener("input", apply);
  more.addEventListener("click", () => {
    limit = Infinity;
    apply();
  });
  apply();
  const element = el(
    "section",
    { class: "journal", "aria-labelledby": "journal-title" },
    el("h2", { id: "journal-title" }, "Journal"),
    el(
      "div",
      { class: "filters" },
      search,
      el(
        "p",
        { class: "count" },
        counted(view.entries.length, "entry", "entries"),
        view.left_out ? `, ${view.left_out.toLocaleString("en")} more in the results file` : "",
      ),
    ),
    list,
    more,
  );
  return { element, open };
}

/** Facts as readable JSON, with multi-line text as lines. */
const jsonOf = (facts) =>
  JSON.stringify(facts, null, 2).replace(
    /[\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.codePointAt(0).toString(16)}`,
  );
