"use strict";
(() => {
  const PAGE = 100;
  const LEVELS = ["gold", "silver", "bronze", "none", "failed"];
  const NAMES = { gold: "Gold", silver: "Silver", bronze: "Bronze", none: "No level", failed: "Not checked" };
  const data = JSON.parse(document.getElementById("data").textContent);
  const rows = data.rows.map((values) => Object.fromEntries(data.keys.map((key, place) => [key, values[place]])));
  for (const row of rows) row.text = [row.repository, row.owner, row.tier, ...row.commonest].join("\n").toLowerCase();
  const has_tiers = rows.some((row) => row.tier);
  const columns = [
    { key: "repository", title: "Repository" },
    { key: "level", title: "Level", rank: (row) => LEVELS.indexOf(row.level) },
    { key: "percent", title: "Score", number: true, down: true },
    { key: "p0", title: "P0", number: true, down: true },
    { key: "p1", title: "P1", number: true, down: true },
    { key: "p2", title: "P2", number: true, down: true },
    { key: "secrets", title: "Secrets", number: true, down: true },
    ...(has_tiers ? [{ key: "tier", title: "Tier" }] : []),
    { key: "owner", title: "Owner" },
    { key: "commonest", title: "Commonest", fixed: true },
  ];
  document.documentElement.classList.add("scripted");
  const form = document.getElementById("filters");
  const told = document.getElementById("told");
  const body = document.querySelector("#table tbody");
  const head = document.querySelector("#table thead tr");
  const [before, page_told, after] = ["before", "page", "after"].map((name) => document.getElementById(name));
  let sorted = { key: "p0", down: true };
  const collator = new Intl.Collator("en", { numeric: true });
  let ordered = rows;
  let found = rows;
  let page = 0;

  function made(name, words, kind) {
    const element = document.createElement(name);
    if (words !== undefined) element.textContent = words;
    if (kind) element.className = kind;
    return element;
  }

  for (const column of columns) {
    const cell = made("th", undefined, column.number ? "number" : "");
    cell.scope = "col";
    if (column.fixed) cell.textContent = column.title;
    else {
      const button = made("button", column.title);
      button.type = "button";
      button.addEventListener("click", () => {
        sorted = { key: column.key, down: sorted.key === column.key ? !sorted.down : Boolean(column.down) };
        order();
        filter();
      });
      cell.append(button);
    }
    column.cell = cell;
    head.append(cell);
  }

  function filter() {
    const wanted = form.elements.search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = (name) => (form.elements[name] ? form.elements[name].value : "");
    const ticked = (name) => Boolean(form.elements[name] && form.elements[name].checked);
    const [level, tier] = [chosen("level"), chosen("tier")];
    const [p0, secrets, worse, short] = ["p0", "secrets", "worse", "short"].map(ticked);
    found = ordered.filter((row) =>
      (!level || row.level === level) && (!tier || row.tier === tier) && (!p0 || row.p0 > 0) && (!secrets || row.secrets > 0) &&
      (!short || row.short > 0) && (!worse || got_worse(row)) && wanted.every((word) => row.text.includes(word)));
    page = 0;
    show();
    told.textContent = `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} repositories`;
  }

  function got_worse(row) {
    if (!row.before) return false;
    return LEVELS.indexOf(row.level) > LEVELS.indexOf(row.before) || (row.p0_before !== null && row.p0 > row.p0_before);
  }

  function compare(first, second) {
    const column = columns.find((each) => each.key === sorted.key);
    const rank = column.rank || ((row) => row[column.key]);
    const [a, b] = [rank(first), rank(second)];
    // What has no value comes last, whichever way it is sorted.
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    const difference = typeof a === "string" ? collator.compare(a, b) : a - b;
    return sorted.down ? -difference : difference;
  }

  function order() {
    ordered = rows.slice().sort((first, second) => compare(first, second) || collator.compare(first.repository, second.repository));
  }

  function show() {
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    page = Math.min(page, pages - 1);
    body.replaceChildren(...found.slice(page * PAGE, (page + 1) * PAGE).map(line));
    for (const column of columns) {
      if (column.key === sorted.key) column.cell.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      else column.cell.removeAttribute("aria-sort");
    }
    page_told.textContent = `Page ${page + 1} of ${pages}`;
    before.disabled = page === 0;
    after.disabled = page === pages - 1;
  }

  function line(row) {
    const made_row = made("tr");
    const name = made("th", row.repository);
    name.scope = "row";
    if (row.short) name.append(made("small", row.short === 1 ? "falls short of one demand" : `falls short of ${row.short} demands`, "worse"));
    made_row.append(name);
    for (const column of columns.slice(1)) {
      const value = row[column.key];
      const cell = made("td", undefined, column.number ? "number" : "");
      if (column.key === "level") {
        cell.append(made("span", NAMES[value], `level ${value}`));
        if (row.before && row.before !== value) cell.append(made("small", `was ${NAMES[row.before].toLowerCase()}`));
      } else if (column.key === "commonest") cell.textContent = value.join(", ");
      else if (value === null) cell.textContent = "";
      else cell.textContent = column.number ? value.toLocaleString("en") + (column.key === "percent" ? " %" : "") : value;
      if (column.key === "p0" && row.p0_before !== null && row.p0 !== null && row.p0 !== row.p0_before) {
        const change = row.p0 - row.p0_before;
        cell.append(made("small", (change > 0 ? "+" : "") + change.toLocaleString("en"), change > 0 ? "worse" : "better"));
      }
      made_row.append(cell);
    }
    return made_row;
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("[type=reset]").addEventListener("click", () => setTimeout(filter));
  before.addEventListener("click", () => { page -= 1; show(); });
  after.addEventListener("click", () => { page += 1; show(); });
  for (const tile of document.querySelectorAll("a[data-level]")) {
    tile.addEventListener("click", () => {
      form.reset();
      form.elements.level.value = tile.dataset.level;
      filter();
    });
  }
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      form.elements.search.focus();
    } else if (event.key === "Escape" && event.target === form.elements.search) {
      form.elements.search.value = "";
      filter();
    }
  });
  order();
  filter();
})();
