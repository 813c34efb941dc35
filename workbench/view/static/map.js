// Paints a jupyter-scatter map: what Python asked for last is what the map shows, once each draw has finished.
//
// regl-scatterplot rejects a draw while another is under way and the map then silently differs from Python. Here every
// request waits for the promise of the draw before it, only the newest waiting request is drawn, and the version that
// reached the screen goes back to Python as `painted`.
//
// What Python is told goes as messages, not as the model's state: ipywidgets holds a state change back until the kernel
// says that it is idle after the one before, which ipykernel 7 does not say to what arrives while a cell awaits. The
// model would then be silent for good.

const bytes = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
const nextFrame = () => new Promise((resolve) => setTimeout(resolve, 30));
const PAINTED = ["version", "xy", "codes", "look", "lines", "labels"];
const isDark = () => document.body.dataset.jpThemeLight === "false";

function render({ model, el }) {
  el.classList.add("wb-map-side");
  let closed = false;
  let busy = false;
  let asked = 0; // counts requests, so that one that arrives during a draw is not lost
  let drawn = {}; // by trait, what the last finished paint showed

  const scatterplot = () => {
    const box = el.closest(".wb-map");
    for (const element of box ? box.querySelectorAll("div[id]") : []) {
      if (element.api) return fitted(element.api);
    }
    return null;
  };

  // regl-scatterplot fits the height: on a map that is narrower than tall, points left and right would be cut off.
  let fittedApi = null;
  function fitted(api) {
    if (api === fittedApi) return api;
    fittedApi = api;
    const distance = () => {
      const canvas = api.get("canvas");
      return Math.max(1, canvas.clientHeight / Math.max(canvas.clientWidth, 1));
    };
    api.zoomToOrigin = (options) => api.zoomToLocation([0, 0], distance(), options);
    drawn = {};
    api.get("canvas").parentElement.append(overlay, ring);
    api.subscribe("drawing", () => { placeLabels(api); placeRing(api); });
    api.subscribe("pointover", tellHover);
    api.subscribe("pointout", () => tellHover(-1));
    return api;
  }

  // A frame of a hundred thousand points costs more than everything else here, so a paint waits for one frame, not for
  // one per call, and leaves out what is on the screen already. ipywidgets sends a trait only when it has changed: what
  // has not is still the same object.
  async function paintOnce(api) {
    const started = performance.now();
    const wanted = Object.fromEntries(PAINTED.map((name) => [name, model.get(name)]));
    const { version, look } = wanted;
    const changed = (...names) => names.some((name) => wanted[name] !== drawn[name]);
    const codes = new Uint16Array(bytes(wanted.codes));
    const xy = new Float32Array(bytes(wanted.xy));
    const moved = changed("xy");
    const animate = moved && drawn.xy !== undefined && model.get("animate");
    if (changed("codes", "look")) {
      await api.set({
        pointColor: look.color, opacity: look.opacity, pointSize: look.size,
        colorBy: "valueZ", opacityBy: "valueZ", sizeBy: "valueZ", pointOrder: order(codes, look.above),
      });
    }
    const frames = [];
    if (changed("codes", "look", "xy")) {
      const points = Array.from(codes, (code, i) => [xy[2 * i], xy[2 * i + 1], code, 0]);
      frames.push(api.draw(points, {
        transition: animate, transitionDuration: 400, transitionEasing: "quadInOut", preventFilterReset: true,
        spatialIndex: moved ? undefined : api.get("spatialIndex"), zDataType: "categorical", wDataType: "categorical",
      }));
      if (animate) await frames[0]; // lines would be there before the points
    }
    if (changed("lines")) {
      frames.push(api.drawAnnotations(wanted.lines.map((line) => ({
        vertices: line.vertices, lineColor: line.color, lineWidth: line.width,
      }))));
    }
    await Promise.all(frames);
    if (drawn.xy === undefined) await api.zoomToOrigin();
    if (changed("labels")) showLabels(wanted.labels);
    placeLabels(api);
    drawn = wanted;
    el.dataset.painted = version;
    model.send({ painted: version, paint_ms: performance.now() - started });
  }

  // Points with a role of their own last, so that they are drawn above the others; null is the order of the rows.
  function order(codes, first) {
    const above = [];
    codes.forEach((code, row) => { if (code >= first) above.push(row); });
    if (!above.length) return null;
    above.sort((a, b) => codes[a] - codes[b]);
    const below = [];
    codes.forEach((code, row) => { if (code < first) below.push(row); });
    return below.concat(above);
  }

  // Labels stand over the canvas, in elements of their own. The heaviest comes first; one without room is hidden.
  const overlay = document.createElement("div");
  overlay.className = "wb-map-labels";
  let labels = [];

  function showLabels(wanted) {
    overlay.replaceChildren();
    labels = wanted.map(([row, text, single]) => {
      const node = document.createElement("div");
      node.className = "wb-map-label";
      node.dir = "auto";
      node.textContent = text;
      node.style.visibility = "hidden";
      overlay.appendChild(node);
      return { row, single, node };
    });
  }

  function placeLabels(api) {
    if (!labels.length || !api.get("isPointsDrawn")) return;
    const width = overlay.clientWidth;
    const height = overlay.clientHeight;
    const sizes = labels.map(({ node }) => [node.offsetWidth, node.offsetHeight]); // read all, then write all
    const taken = [];
    labels.forEach(({ row, single, node }, i) => {
      const [x, y] = api.getScreenPosition(row);
      const [w, h] = sizes[i];
      const spot = (dx, dy) => { // a label near the edge moves in; its point stays in sight
        const left = Math.min(Math.max(x + dx - w / 2, 0), width - w);
        const top = Math.min(Math.max(y + dy - h / 2, 0), height - h);
        return { left, top, right: left + w, bottom: top + h };
      };
      const beside = [spot(0, -h / 2 - 7), spot(0, h / 2 + 7), spot(w / 2 + 9, 0), spot(-w / 2 - 9, 0)];
      const inSight = x >= 0 && y >= 0 && x <= width && y <= height && w > 0 && w <= width && h <= height;
      const free = (a) => !taken.some((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom);
      const box = inSight && (single ? beside : [spot(0, 0), ...beside]).find(free);
      node.style.visibility = box ? "visible" : "hidden";
      if (!box) return;
      taken.push(box);
      if (single) taken.push({ left: x - 6, top: y - 6, right: x + 6, bottom: y + 6 }); // what it names stays in sight
      node.style.transform = `translate(${box.left}px, ${box.top}px)`;
    });
  }

  // A ring where the point is that is hovered on another map of the group. No frame is drawn for it.
  const ring = document.createElement("div");
  ring.className = "wb-map-ring";
  ring.hidden = true;
  let ringed = -1;

  function placeRing(api) {
    const known = api && api.get("isPointsDrawn") && ringed >= 0;
    const [x, y] = (known && api.getScreenPosition(ringed)) || [-1, -1];
    ring.hidden = x < 0 || y < 0 || x > overlay.clientWidth || y > overlay.clientHeight;
    ring.style.transform = `translate(${x}px, ${y}px)`;
  }

  const tellHover = (row) => {
    const group = model.get("group");
    if (group) document.dispatchEvent(new CustomEvent("wb-map-hover", { detail: { group, row, from: el } }));
  };
  const hearHover = ({ detail }) => {
    if (detail.group !== model.get("group") || detail.from === el) return;
    ringed = detail.row;
    placeRing(fittedApi);
  };
  document.addEventListener("wb-map-hover", hearHover);

  async function paint() {
    asked += 1;
    if (busy) return;
    busy = true;
    try {
      let done = 0;
      while (done !== asked && !closed) {
        const api = scatterplot();
        if (!api || !api.get("points")?.length) { await nextFrame(); continue; } // not displayed yet
        const current = asked;
        try {
          await paintOnce(api);
          done = current;
        } catch (error) {
          if (!/previous draw call|already destroyed/.test(String(error?.message ?? error))) throw error;
          await nextFrame(); // the map's own first draw is still under way, or the map is being replaced
        }
      }
    } catch (error) {
      model.send({ failure: String(error?.stack ?? error) });
    } finally {
      busy = false;
    }
  }

  // Beside the map, never over it: a legend would hide points, and perhaps the very one that was found.
  function showLegend() {
    const { title, entries, range, ramp, marks } = model.get("legend");
    el.replaceChildren();
    const add = (parent, name, text) => {
      const node = document.createElement("div");
      node.className = name;
      node.dir = "auto";
      if (text !== undefined) node.textContent = text;
      parent.appendChild(node);
      return node;
    };
    const list = (parent, lines) => {
      for (const [label, color, count] of lines) {
        const line = add(parent, "wb-legend-line");
        add(line, "wb-legend-dot").style.background = color;
        add(line, "wb-legend-label", label).title = label;
        add(line, "wb-legend-count", count);
      }
    };
    if (marks.length) {
      const marked = add(el, "wb-legend wb-legend-marks");
      add(marked, "wb-legend-title", "Marked");
      list(marked, marks);
    }
    if (!title) return;
    const legend = add(el, "wb-legend");
    add(legend, "wb-legend-title", title);
    if (range) {
      add(legend, "wb-legend-ramp").style.background = `linear-gradient(to right, ${ramp.join(", ")})`;
      const ends = add(legend, "wb-legend-ends");
      add(ends, "", range[0]);
      add(ends, "", range[1]);
    }
    list(legend, entries);
  }

  // A lasso that ends where it began also arrives as a click, which would replace the selection by one point.
  let travelled = 0;
  const watched = {
    mousedown: () => { travelled = 0; },
    mousemove: (event) => { travelled += Math.abs(event.movementX) + Math.abs(event.movementY); },
    click: (event) => { if (travelled > 12 && event.target.tagName === "CANVAS") event.stopPropagation(); },
  };
  const watch = (change) => {
    for (const [name, listener] of Object.entries(watched)) box?.[change](name, listener, true);
  };
  let box = null;
  const findBox = () => {
    box = el.closest(".wb-map");
    if (box) watch("addEventListener");
    else if (!closed) setTimeout(findBox, 30);
  };
  findBox();

  const tellTheme = () => model.send({ dark: isDark() });
  const observer = new MutationObserver(tellTheme);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  model.on("change:version", paint);
  model.on("change:legend", showLegend);
  tellTheme();
  showLegend();
  paint();
  return () => {
    closed = true;
    document.removeEventListener("wb-map-hover", hearHover);
    watch("removeEventListener");
    observer.disconnect();
    model.off("change:version", paint);
    model.off("change:legend", showLegend);
  };
}

export default { render };
