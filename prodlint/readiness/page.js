"use strict";
(function () {
  const root = document.documentElement;
  root.classList.add("scripted");
  const form = document.getElementById("filters");
  const items = Array.from(document.querySelectorAll("details.item"));
  const texts = new Map(items.map((item) => [item, `${item.textContent} ${item.dataset.words}`.toLowerCase()]));
  const told = document.getElementById("told");
  const checked = (name) => new Set(Array.from(form.querySelectorAll(`input[name=${name}]:checked`), (box) => box.value));

  function filter() {
    const priorities = checked("priority");
    const verdicts = checked("verdict");
    const category = form.elements.category.value;
    const words = form.elements.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of items) {
      const fits =
        priorities.has(item.dataset.priority) &&
        verdicts.has(item.dataset.verdict) &&
        (!category || item.dataset.category === category) &&
        words.every((word) => texts.get(item).includes(word));
      item.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    for (const section of document.querySelectorAll("section.category")) {
      section.hidden = !section.querySelector("details.item:not([hidden])");
    }
    told.textContent = `${shown} of ${items.length} items shown`;
  }

  function open_target() {
    const item = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (item && item.matches("details.item")) {
      if (item.hidden) {
        form.reset();
        filter();
      }
      item.open = true;
      item.scrollIntoView();
      item.querySelector("summary").focus({ preventScroll: true });
    }
  }

  form.addEventListener("input", filter);
  form.querySelector("[type=reset]").addEventListener("click", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("open-all").addEventListener("click", () => items.forEach((item) => { if (!item.hidden) item.open = true; }));
  document.getElementById("close-all").addEventListener("click", () => items.forEach((item) => { item.open = false; }));
  for (const tile of document.querySelectorAll("a[data-only]")) {
    tile.addEventListener("click", () => {
      const wanted = tile.dataset.only.split(",");
      form.reset();
      for (const box of form.querySelectorAll("input[name=verdict]")) box.checked = wanted.includes(box.value);
      filter();
    });
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-link]");
    if (!button) return;
    const address = location.href.split("#")[0] + "#" + button.dataset.link;
    const done = () => { button.textContent = "Copied"; told.textContent = "Link copied"; };
    if (navigator.clipboard && navigator.clipboard.writeText) navigator.clipboard.writeText(address).then(done, () => { location.hash = button.dataset.link; });
    else { location.hash = button.dataset.link; done(); }
  });
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
  let closed = [];
  addEventListener("beforeprint", () => { closed = items.filter((item) => !item.open); closed.forEach((item) => { item.open = true; }); });
  addEventListener("afterprint", () => closed.forEach((item) => { item.open = false; }));
  addEventListener("hashchange", open_target);
  filter();
  open_target();
})();
