
// 5. The explorer: means are looked up, study lines computed by generalised least squares (as gauger.evidence.forest).
const Explorer = {
  // Mean and standard error of one study's rows: weights from V + omega I, V diagonal plus one variance per shared control.
  line(rows, omega) {
    const groups = new Map();
    let weight = 0, sum = 0;
    for (const row of rows) {
      const own = row.variance - (row.shared < 0 ? 0 : row.control) + omega;
      if (row.shared < 0) { weight += 1 / own; sum += row.effect / own; continue; }
      const g = groups.get(row.shared) || { c: row.control, w: 0, s: 0 };
      g.w += 1 / own; g.s += row.effect / own;
      groups.set(row.shared, g);
    }
    for (const g of groups.values()) {
      // inverse of D + c 11': D^-1 - D^-1 1 1' D^-1 c / (1 + c 1'D^-1 1)
      const shrink = 1 / (1 + g.c * g.w);
      weight += g.w * shrink; sum += g.s * shrink;
    }
    return { mean: sum / weight, se: Math.sqrt(1 / weight), n: rows.length };
  },
  // Rows as objects; a control that only one kept row has is shared with none.
  rows(data, chosen, role) {
    const kept = [];
    for (let i = 0; i < data.rows.effect.length; i++) {
      if (data.rows.role[i] !== role) continue;
      if (chosen.every((option, k) => (data.rows.flags[k][i] >> option) & 1)) {
        kept.push({ study: data.rows.study[i], effect: data.rows.effect[i], variance: data.rows.variance[i],
          control: data.rows.control[i], shared: data.rows.shared[i] });
      }
    }
    return kept;
  },
  lines(data, chosen, role) {
    const mean = data.means[chosen.join("")][role];
    const studies = new Map();
    for (const row of Explorer.rows(data, chosen, role)) {
      if (!studies.has(row.study)) studies.set(row.study, []);
      studies.get(row.study).push(row);
    }
    const lines = [];
    for (const [study, rows] of studies) {
      lines.push(Object.assign({ study, name: data.names[study], link: data.links[study] }, Explorer.line(rows, mean ? mean[7] || 0 : 0)));
    }
    return lines.sort((a, b) => b.mean - a.mean);
  },
};

function signed(x, digits) {
  const text = Math.abs(x).toFixed(digits === undefined ? 1 : digits);
  return (x < 0 ? "\u2212" : "+") + text;
}
function wireExplorer(root) {
  const data = JSON.parse(document.querySelector("script[data-explorer]").textContent);
  const selects = Array.from(root.querySelectorAll("select[data-option]"));
  const role = root.querySelector("select[data-role]");
  const body = root.querySelector("tbody"), plot = root.querySelector("svg"), said = root.querySelector("output");
  const show = () => {
    const chosen = selects.map((select) => select.selectedIndex);
    const means = data.means[chosen.join("")];
    body.replaceChildren(...data.roles.map((name, r) => {
      const row = document.createElement("tr"), mean = means[r];
      const cells = mean[2] === null
        ? [name, "cannot be told", "", mean[1], mean[0]]
        : [name, signed(mean[2]) + " [" + signed(mean[3]) + ", " + signed(mean[4]) + "]" + (mean[8] ? " *" : ""),
          signed(mean[5], 0) + " to " + signed(mean[6], 0), mean[1], mean[0]];
      cells.forEach((text, k) => { const cell = document.createElement("td"); cell.textContent = text; if (k) cell.className = "num"; row.append(cell); });
      if (r === role.selectedIndex) row.className = "chosen";
      return row;
    }));
    const r = role.selectedIndex, lines = Explorer.lines(data, chosen, r);
    said.textContent = lines.length + (lines.length === 1 ? " study, " : " studies, ") + means[r][0] + " rows";
    forest(plot, lines, means[r], data.roles[r]);
  };
  [...selects, role].forEach((select) => select.addEventListener("change", show));
  root.querySelector("[data-reset]").addEventListener("click", () => { selects.forEach((s) => { s.selectedIndex = 0; }); show(); });
  root.querySelector("[data-save-svg]").addEventListener("click", () => {
    const copy = plot.cloneNode(true);
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    download("explorer.svg", new Blob([copy.outerHTML], { type: "image/svg+xml" }));
  });
  show();
}
function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}
function forest(plot, lines, mean, role) {
  const width = Math.max(300, plot.parentElement.clientWidth || 640), narrow = width < 520;
  const left = narrow ? 112 : 220, right = narrow ? 8 : 130, step = 18, top = 8;
  const ends = lines.flatMap((l) => [l.mean - 1.96 * l.se, l.mean + 1.96 * l.se]).concat([-10, 10]);
  const low = Math.max(-60, Math.min(...ends)), high = Math.min(80, Math.max(...ends));
  const x = (v) => left + (Math.min(Math.max(v, low), high) - low) / (high - low) * (width - left - right);
  const height = top + step * (lines.length + 2) + 26;
  plot.setAttribute("viewBox", "0 0 " + width + " " + height);
  plot.setAttribute("width", width);
  plot.setAttribute("height", height);
  plot.replaceChildren(element("title", {}, "Every study's own estimate on " + role + " benchmarks"));
  plot.append(element("line", { x1: x(0), x2: x(0), y1: top, y2: height - 24, stroke: "#8793a1" }));
  lines.forEach((l, i) => {
    const y = top + step * (i + 0.5), most = narrow ? 15 : 32;
    const name = l.name.length > most ? l.name.slice(0, most - 1) + "\u2026" : l.name;
    const label = element("text", { x: left - 6, y: y + 4, "text-anchor": "end", class: "name" }, name);
    label.append(element("title", {}, l.name));
    const link = l.link ? element("a", { href: l.link, rel: "noreferrer noopener" }) : null;
    if (link) link.append(label);
    plot.append(link || label);
    plot.append(element("line", { x1: x(l.mean - 1.96 * l.se), x2: x(l.mean + 1.96 * l.se), y1: y, y2: y, stroke: "#0b6fae", "stroke-width": 2 }));
    plot.append(element("circle", { cx: x(l.mean), cy: y, r: 3.5, fill: "#0b6fae" }));
    if (!narrow) plot.append(element("text", { x: width - right + 8, y: y + 4, class: "value" }, signed(l.mean) + " (" + l.n + " rows)"));
  });
  if (mean[2] !== null) {
    const y = top + step * (lines.length + 1);
    plot.append(element("text", { x: left - 6, y: y + 4, "text-anchor": "end", class: "name strong" }, "pooled mean"));
    plot.append(element("line", { x1: x(mean[5]), x2: x(mean[6]), y1: y, y2: y, stroke: "#8793a1", "stroke-width": 2 }));
    plot.append(element("path", { d: "M" + x(mean[3]) + " " + y + "L" + x(mean[2]) + " " + (y - 6) + "L" + x(mean[4]) + " " + y + "L" + x(mean[2]) + " " + (y + 6) + "z", fill: "#c4510f" }));
    if (!narrow) plot.append(element("text", { x: width - right + 8, y: y + 4, class: "value strong" }, signed(mean[2])));
  }
  for (const v of [-50, -25, 0, 25, 50, 75]) if (v >= low && v <= high) {
    plot.append(element("text", { x: x(v), y: height - 8, "text-anchor": "middle", class: "value" }, signed(v, 0)));
  }
}

// 6. The whole table: packed in the page, unpacked when it is asked for; downloads.
function download(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
async function unpack(name) {
  const packed = document.querySelector('script[data-packed="' + name + '"]').textContent.trim();
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}
function cellsOf(text) {
  const rows = [[]];
  let cell = "", quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '"' && text[i + 1] === '"') { cell += c; i++; } else if (c === '"') quoted = false; else cell += c;
    } else if (c === '"') quoted = true;
    else if (c === ",") { rows[rows.length - 1].push(cell); cell = ""; }
    else if (c === "\n") { rows[rows.length - 1].push(cell); cell = ""; rows.push([]); }
    else if (c !== "\r") cell += c;
  }
  if (cell || rows[rows.length - 1].length) rows[rows.length - 1].push(cell); else rows.pop();
  return rows;
}
const SHOWN = ["study_id", "arm", "control_arm", "contrast", "benchmark", "benchmark_role", "score_control", "score_distilled", "n_items", "exclusion"];
const MOST = 200;
async function wireRows(root) {
  const [header, ...rows] = cellsOf(await unpack("results.csv"));
  const at = SHOWN.map((name) => header.indexOf(name));
  const search = root.querySelector("input"), body = root.querySelector("tbody"), said = root.querySelector("output");
  const words = rows.map((row) => row.join(" ").toLowerCase());
  const show = () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter((_, i) => wanted.every((word) => words[i].includes(word)));
    said.textContent = found.length + " of " + rows.length + " rows" + (found.length > MOST ? "; the first " + MOST + " are shown" : "");
    body.replaceChildren(...found.slice(0, MOST).map((row) => {
      const line = document.createElement("tr");
      at.forEach((k) => { const cell = document.createElement("td"); cell.textContent = row[k] || "\u2013"; line.append(cell); });
      return line;
    }));
  };
  search.addEventListener("input", show);
  show();
}
if (typeof document !== "undefined") {
  const explorer = document.querySelector(".explorer");
  if (explorer) wireExplorer(explorer);
  const table = document.querySelector(".every-row");
  if (table) {
    const fold = table.closest("details");
    fold.addEventListener("toggle", () => { if (fold.open && !fold.dataset.wired) { fold.dataset.wired = "yes"; wireRows(table); } });
  }
  document.querySelectorAll("button[data-download]").forEach((button) => button.addEventListener("click", async () => {
    const name = button.dataset.download;
    download(name, new Blob([await unpack(name)], { type: "text/plain" }));
  }));
}
if (typeof module !== "undefined") module.exports = { Explorer, cellsOf };
