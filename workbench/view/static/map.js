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
const isDark = () => document.body.dataset.jpThemeLight === "false";

function render({ model, el }) {
  el.classList.add("wb-map-side");
  let closed = false;
  let busy = false;
  let asked = 0; // counts requests, so that one that arrives during a draw is not lost
  let drawnXY = null;

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
    drawnXY = null;
    return api;
  }

  async function paintOnce(api) {
    const started = performance.now();
    const version = model.get("version");
    const look = model.get("look");
    const codes = new Uint16Array(bytes(model.get("codes")));
    const xy = new Float32Array(bytes(model.get("xy")));
    const moved = drawnXY === null || drawnXY.length !== xy.length || drawnXY.some((value, i) => value !== xy[i]);
    const n = codes.length;
    const points = new Array(n);
    const below = [];
    const above = [];
    for (let i = 0; i < n; i++) {
      points[i] = [xy[2 * i], xy[2 * i + 1], codes[i], 0];
      (codes[i] >= look.above ? above : below).push(i);
    }
    above.sort((a, b) => codes[a] - codes[b]);
    await api.set({
      pointColor: look.color, opacity: look.opacity, pointSize: look.size,
      colorBy: "valueZ", opacityBy: "valueZ", sizeBy: "valueZ", pointOrder: below.concat(above),
    });
    const animate = moved && drawnXY !== null && model.get("animate");
    await api.draw(points, {
      transition: animate, transitionDuration: 400, transitionEasing: "quadInOut", preventFilterReset: true,
      spatialIndex: moved ? undefined : api.get("spatialIndex"), zDataType: "categorical", wDataType: "categorical",
    });
    await api.drawAnnotations(model.get("lines").map((line) => ({
      vertices: line.vertices, lineColor: line.color, lineWidth: line.width,
    })));
    if (drawnXY === null) await api.zoomToOrigin();
    drawnXY = xy;
    model.send({ painted: version, paint_ms: performance.now() - started });
  }

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
    watch("removeEventListener");
    observer.disconnect();
    model.off("change:version", paint);
    model.off("change:legend", showLegend);
  };
}

export default { render };
