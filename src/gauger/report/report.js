"use strict";

// 1. Draw every chart from the specification that lies beside it. The interpreter (`ast`) needs no eval.
const drawn = [];
function draw(data) {
  const box = document.getElementById(data.dataset.chart);
  const spec = narrowed(JSON.parse(data.textContent), box.clientWidth);
  const options = { actions: false, ast: true, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true } };
  return vegaEmbed(box, spec, options).then((result) => {
    box.style.minHeight = "0";
    const image = box.querySelector("svg");
    if (image) image.setAttribute("aria-hidden", "true"); // the box is the image, with its words; Vega's marks have roles without names
    addSaveButtons(box, result.view);
  }).catch((error) => {
    box.textContent = "This figure could not be drawn (" + error.message + "); its numbers stand in the table below.";
    console.error("chart " + data.dataset.chart + ": " + error.message);
  });
}

// On narrow screens the names of rows stand above their bars, so that bars keep the width, and zero its place.
const NARROW = 480, NARROW_ROW = 36, NAME_ROOM = 15, BAND = 0.9, HEADING = "\u200b";
function narrowed(spec, width) {
  if (width >= NARROW || !spec.layer || typeof spec.height !== "number") return spec;
  const marks = [];
  const visit = (node, rows) => {
    const own = node.data && node.data.values ? node.data.values : rows;
    if (node.layer) node.layer.forEach((inner) => visit(inner, own));
    else if (node.encoding) marks.push({ encoding: node.encoding, rows: own, mark: node.mark || {} });
  };
  visit(spec, []);
  const named = marks.filter((one) => one.encoding.y && one.encoding.y.type === "nominal");
  if (!named.length || marks.some((one) => one.encoding.x && one.encoding.x.type === "nominal")) return spec;
  const y = named[0].encoding.y;
  const present = new Set(named.flatMap((one) => one.rows.map((row) => row[one.encoding.y.field])));
  const sorted = Array.isArray(y.sort) ? y.sort.filter((name) => present.has(name)) : [];
  const names = Array.from(new Set((y.scale && y.scale.domain) || [...sorted, ...present]));
  for (const { encoding } of named) {
    // one stated order for all layers: sorted each by its own data, they could not be joined
    encoding.y.axis = { ...encoding.y.axis, labels: false, minExtent: 0, title: null };
    encoding.y.scale = { ...encoding.y.scale, domain: names };
    delete encoding.y.sort;
  }
  const text = (heading) => ({
    transform: [{ filter: "(slice(datum.name, 0, 1) === '" + HEADING + "') === " + heading }],
    mark: { type: "text", align: "left", baseline: "top", dx: 1, dy: 2, fontSize: 11, fontWeight: heading ? 700 : 400, limit: width - 70 },
    encoding: { x: { value: 0 }, y: { ...y, field: "name", bandPosition: 0, axis: { ...y.axis } }, text: { field: "name", type: "nominal" } },
  });
  spec.layer.push({ data: { values: names.map((name) => ({ name })) }, layer: [text(true), text(false)] });
  // a bar stands in the middle of its row: the name needs as much room above it as stays empty below
  const thickness = Math.max(...named.map((one) => (typeof one.mark.height === "number" ? one.mark.height : 0)));
  const row = Math.max(NARROW_ROW, Math.ceil((thickness + 2 * NAME_ROOM) / BAND));
  spec.height = Math.max(spec.height, row * names.length);
  return spec;
}

// 2. Save a chart as SVG or PNG, made in the page itself.
function addSaveButtons(box, view) {
  const panel = box.closest(".panel");
  if (!panel) return;
  const bar = document.createElement("div");
  bar.className = "save";
  for (const kind of ["svg", "png"]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = kind.toUpperCase();
    button.setAttribute("aria-label", "Save this chart as " + kind.toUpperCase());
    button.addEventListener("click", () => save(view, kind, panel.dataset.name));
    bar.append(button);
  }
  panel.append(bar);
}
async function save(view, kind, name) {
  const link = document.createElement("a");
  link.href = await view.toImageURL(kind, 2);
  link.download = name + "." + kind;
  link.click();
}

// 3. Tables: filter by words and by column, sort by a click on a heading.
function wireTable(table) {
  const bar = document.querySelector('.filters[data-for="' + table.id + '"]');
  const rows = Array.from(table.tBodies[0].rows);
  const search = bar.querySelector("[data-search]");
  const selects = Array.from(bar.querySelectorAll("select"));
  const found = bar.querySelector(".found");
  const text = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const keep = words.every((word) => text.get(row).includes(word)) &&
        selects.every((select) => !select.selectedIndex || row.cells[select.dataset.column].textContent === select.value);
      row.hidden = !keep;
      shown += keep;
    }
    found.textContent = shown + " of " + rows.length + " rows";
  };
  search.addEventListener("input", apply);
  selects.forEach((select) => select.addEventListener("change", apply));
  apply();
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => wireHeading(table, rows, head, column));
}
function wireHeading(table, rows, head, column) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    table.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    table.tBodies[0].append(...rows.slice().sort((a, b) => compare(a.cells[column], b.cells[column], down ? -1 : 1)));
  });
}
function compare(a, b, sign) {
  const x = a.dataset.sort, y = b.dataset.sort;
  if (x !== undefined && y !== undefined) return sign * (x - y);
  if (x !== undefined || y !== undefined) return x !== undefined ? -1 : 1; // undefined values last, either way
  return sign * a.textContent.localeCompare(b.textContent);
}

// 4. Contents: mark the chapter being read; folded on narrow screens.
function wireContents() {
  const links = new Map(Array.from(document.querySelectorAll(".contents a")).map((link) => [link.hash.slice(1), link]));
  const visible = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) entry.isIntersecting ? visible.add(entry.target.id) : visible.delete(entry.target.id);
    const current = Array.from(links.keys()).find((id) => visible.has(id));
    links.forEach((link, id) => id === current ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current"));
  }, { rootMargin: "-10% 0px -70% 0px" });
  links.forEach((_, id) => { const section = document.getElementById(id); if (section) watcher.observe(section); });
  if (window.matchMedia("(max-width: 999px)").matches) document.querySelector(".contents details").open = false;
}

// 5. Paper has no clicks: open what is folded before printing.
window.addEventListener("beforeprint", () => document.querySelectorAll("main details:not(.numbers)").forEach((fold) => { fold.open = true; }));

document.querySelectorAll("table.sortable").forEach(wireTable);
wireContents();
const specs = Array.from(document.querySelectorAll("script[data-chart]"));
specs.reduce((before, data) => before.then(() => draw(data)), Promise.resolve())
  .then(() => { document.documentElement.dataset.ready = String(specs.length); });
