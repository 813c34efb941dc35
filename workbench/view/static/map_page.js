// The page of a map: plotly draws the points; search, list, legend and keyboard are here.
//
// Every text is set with textContent: nothing in a corpus is read as markup.

(() => {
  "use strict";
  const LISTED = 200;
  const element = (id) => document.getElementById(id);
  const [map, tip, words, told, found, reading] = ["map", "tip", "words", "told", "found", "reading"].map(element);
  const hint = reading.firstElementChild;
  const data = JSON.parse(element("data").textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const xy = new Float32Array(bytes(data.xy).buffer);
  const codes = bytes(data.codes);
  const n = codes.length;
  const x = Float32Array.from({ length: n }, (_, row) => xy[2 * row]);
  const y = Float32Array.from({ length: n }, (_, row) => xy[2 * row + 1]);
  const size = Math.min(8, Math.max(2.5, 60 / n ** 0.3));
  const fold = (text) => text.normalize("NFC").toLowerCase();
  const title = (row) => (data.titles ? data.titles[row] : "");
  const searched = data.texts.map((text, row) => fold(`${title(row)}\n${text}`));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  let sought = []; // folded words that must all occur
  let picked = null; // the code of one legend entry
  let lit = []; // rows that have both
  let chosen = null; // the row that was clicked

  function add(parent, tag, name, text) {
    const node = document.createElement(tag);
    if (name) node.className = name;
    if (text !== undefined) node.textContent = text;
    parent.appendChild(node);
    return node;
  }

  // --- the map

  const gl = document.createElement("canvas").getContext("webgl");
  const kind = gl ? "scattergl" : "scatter"; // where WebGL is blocked, slower is better than nothing

  function colors(rows) {
    const shades = dark.matches ? data.dark : data.light;
    if (shades.length === 1) return { color: shades[0] };
    const scale = shades.map((shade, code) => [code / (shades.length - 1), shade]);
    return { color: rows ? rows.map((row) => codes[row]) : codes, colorscale: scale, cmin: 0, cmax: shades.length - 1 };
  }

  const filtered = () => sought.length > 0 || picked !== null;

  function traces() {
    const own = sought.length ? { color: color("hit") } : colors(lit);
    const ring = chosen === null ? [] : [chosen];
    const trace = { type: kind, mode: "markers", hoverinfo: "skip" };
    const at = (rows) => ({ x: rows.map((row) => x[row]), y: rows.map((row) => y[row]) });
    return [
      { ...trace, x, y, hoverinfo: "none", marker: { size, opacity: filtered() ? 0.22 : 0.75, ...colors(null) } },
      { ...trace, ...at(lit), marker: { size: size + 2, opacity: 0.95, ...own } },
      { ...trace, ...at(ring), marker: { size: size + 10, symbol: "circle-open", color: color("query"),
        line: { width: 3, color: color("query") } } },
    ];
  }

  function around(values) {
    let low = Infinity, high = -Infinity;
    for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
    const margin = (high - low) * 0.04 || 1;
    return [low - margin, high + margin];
  }

  const home = { "xaxis.range": around(x), "yaxis.range": around(y) };
  const axis = { visible: false, autorange: false };
  const layout = {
    xaxis: { ...axis, range: home["xaxis.range"] }, yaxis: { ...axis, range: home["yaxis.range"], scaleanchor: "x" },
    margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false, dragmode: "pan", hovermode: "closest",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
  };
  const config = {
    responsive: true, scrollZoom: true, displaylogo: false, doubleClick: "reset", showTips: false,
    modeBarButtons: [["zoomIn2d", "zoomOut2d", "resetScale2d"]],
  };

  let busy = false, waiting = false;
  async function paint() { // one drawing at a time; of those that wait, the newest
    waiting = true;
    if (busy) return;
    busy = true;
    while (waiting) {
      waiting = false;
      layout.modebar = { bgcolor: "rgba(0,0,0,0)", color: color("soft"), activecolor: color("ink") };
      await Plotly.react(map, traces(), layout, config);
    }
    busy = false;
    map.dataset.lit = filtered() ? lit.length : "";
  }

  const range = (name) => map._fullLayout[name].range.map(Number);

  function moved(dx, dy, factor) {
    const update = {};
    for (const [name, by] of [["xaxis", dx], ["yaxis", dy]]) {
      const [low, high] = range(name);
      const middle = (low + high) / 2 + by * (high - low), half = (factor * (high - low)) / 2;
      update[`${name}.range`] = [middle - half, middle + half];
    }
    return Plotly.relayout(map, update);
  }

  function bringIntoView(row) {
    const inside = ([low, high], value) => value > low && value < high;
    if (inside(range("xaxis"), x[row]) && inside(range("yaxis"), y[row])) return;
    const update = {};
    for (const [name, value] of [["xaxis", x[row]], ["yaxis", y[row]]]) {
      const [low, high] = range(name);
      update[`${name}.range`] = [value - (high - low) / 2, value + (high - low) / 2];
    }
    Plotly.relayout(map, update);
  }

  function showTip(row, event) {
    tip.replaceChildren();
    if (title(row)) add(tip, "div", "name", title(row)).dir = "auto";
    add(tip, "div", "clamp", data.texts[row]).dir = "auto";
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = event.clientX + 14, top = event.clientY + 14;
    tip.style.left = `${left + box.width > innerWidth ? Math.max(0, event.clientX - 14 - box.width) : left}px`;
    tip.style.top = `${top + box.height > innerHeight ? Math.max(0, event.clientY - 14 - box.height) : top}px`;
  }

  // --- the panel

  function read(row) {
    reading.replaceChildren();
    if (row === null) return reading.append(hint);
    if (title(row)) add(reading, "h2", "", title(row)).dir = "auto";
    if (data.names.length && codes[row] < data.light.length - 1) {
      add(reading, "p", "about", data.names[codes[row]]).dir = "auto";
    }
    add(reading, "p", "text", data.texts[row]).dir = "auto";
    reading.scrollTop = 0;
  }

  // A text with the words that were sought set off. Folding may change a text's length; then nothing is set off.
  function marked(parent, text) {
    const folded = text.toLowerCase();
    const spans = [];
    if (folded.length === text.length) {
      for (const word of sought) {
        for (let at = folded.indexOf(word); at >= 0; at = folded.indexOf(word, at + word.length)) {
          spans.push([at, at + word.length]);
        }
      }
    }
    spans.sort((a, b) => a[0] - b[0]);
    let done = 0;
    for (const [from, to] of spans) {
      if (from < done) continue;
      parent.append(text.slice(done, from));
      add(parent, "mark", "", text.slice(from, to));
      done = to;
    }
    parent.append(text.slice(done));
  }

  // A few lines of a text, from a little before the first word that was sought.
  function excerpt(text) {
    const folded = text.toLowerCase();
    const first = Math.min(...sought.map((word) => folded.indexOf(word)).filter((at) => at >= 0));
    const from = Number.isFinite(first) && first > 120 ? text.lastIndexOf(" ", first - 40) + 1 : 0;
    return (from ? "… " : "") + text.slice(from, from + 240) + (from + 240 < text.length ? " …" : "");
  }

  function list() {
    found.replaceChildren();
    for (const row of lit.slice(0, LISTED)) {
      const button = add(add(found, "li"), "button");
      button.type = "button";
      button.dataset.row = row;
      if (title(row)) {
        const name = add(button, "span", "name");
        name.dir = "auto";
        marked(name, title(row));
      }
      const text = add(button, "span", "clamp");
      text.dir = "auto";
      marked(text, excerpt(data.texts[row]));
    }
    found.scrollTop = 0;
    const count = lit.length.toLocaleString("en"), all = n.toLocaleString("en");
    const listed = lit.length > LISTED ? `; the first ${LISTED} are listed` : "";
    told.textContent = filtered() ? `${count} of ${all} match${listed}` : `${all} texts`;
  }

  function search() {
    lit = [];
    for (let row = 0; filtered() && row < n; row++) {
      if (picked !== null && codes[row] !== picked) continue;
      if (sought.every((word) => searched[row].includes(word))) lit.push(row);
    }
    list();
    choose(chosen, false);
  }

  function choose(row, move = true) {
    chosen = row;
    read(row);
    for (const button of found.querySelectorAll("button")) {
      const now = Number(button.dataset.row) === row && row !== null;
      button.setAttribute("aria-current", now);
      if (now && move) button.scrollIntoView({ block: "nearest" });
    }
    if (row !== null && move) bringIntoView(row);
    paint();
  }

  function pick(code) {
    picked = picked === code ? null : code;
    for (const button of entries) button.setAttribute("aria-pressed", Number(button.dataset.code) === picked);
    search();
  }

  function clear() {
    words.value = "";
    sought = [];
    chosen = null;
    pick(picked);
  }

  // --- what a person does

  const entries = [...document.querySelectorAll("#legend button")];
  for (const button of entries) button.addEventListener("click", () => pick(Number(button.dataset.code)));

  let later = 0;
  words.addEventListener("input", () => {
    clearTimeout(later);
    later = setTimeout(() => {
      sought = [...new Set(fold(words.value).split(/\s+/).filter(Boolean))];
      search();
    }, 120);
  });

  found.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(Number(button.dataset.row));
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return clear();
    if (event.key === "/" && event.target !== words) {
      event.preventDefault();
      return words.focus();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && (event.target === words || found.contains(event.target))) {
      const stops = [words, ...found.querySelectorAll("button")];
      event.preventDefault();
      stops[stops.indexOf(event.target) + step]?.focus();
    }
  });

  map.addEventListener("keydown", (event) => {
    const moves = {
      ArrowLeft: [-0.1, 0, 1], ArrowRight: [0.1, 0, 1], ArrowUp: [0, 0.1, 1], ArrowDown: [0, -0.1, 1],
      "+": [0, 0, 0.8], "=": [0, 0, 0.8], "-": [0, 0, 1.25],
    };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "0") Plotly.relayout(map, home);
    else if (moves[event.key]) moved(...moves[event.key]);
    else return;
    event.preventDefault();
  });

  list();
  paint().then(() => {
    map.on("plotly_hover", ({ points, event }) => {
      read(points[0].pointNumber);
      showTip(points[0].pointNumber, event);
    });
    map.on("plotly_unhover", () => {
      tip.hidden = true;
      read(chosen);
    });
    map.on("plotly_click", ({ points }) => choose(points[0].pointNumber));
    dark.addEventListener("change", paint);
    map.dataset.ready = "yes";
  });
})();
