"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d"] };
  const front = document.getElementById("front"), against = document.getElementById("against");

  function draw() {
    const { data: traces, layout } = structuredClone(data.fronts[against.value]);
    return Plotly.react(front, traces, layout, config).then(() => { front.dataset.axis = against.value; });
  }
  against.addEventListener("change", draw);
  draw();
  const causes = document.getElementById("causes");
  if (causes) Plotly.newPlot(causes, data.causes.data, data.causes.layout, { ...config, displayModeBar: false });
  const ledger = document.getElementById("ledger");
  if (ledger) Plotly.newPlot(ledger, data.ledger.data, data.ledger.layout, { ...config, displayModeBar: false });

  const table = document.getElementById("points"), body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, column) => {
    const cell = row.cells[column];
    return "value" in cell.dataset ? (cell.dataset.value === "" ? null : Number(cell.dataset.value)) : cell.textContent;
  };
  heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...body.rows].sort((a, b) => {
      const [left, right] = [value(a, column), value(b, column)];
      if (left === null || right === null) return (left === null) - (right === null);  // what is not known comes last
      const order = typeof left === "number" ? left - right : left.localeCompare(right, "en", { numeric: true });
      return up ? order : -order;
    });
    body.append(...rows);
  }));
})();
