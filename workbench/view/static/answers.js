// A table of answers. Every text is set with textContent: nothing in a vocabulary is read as markup. Each word is a
// button, so that the keyboard reaches every row; the arrow keys go up and down.

function render({ model, el }) {
  el.classList.add("wb-answers");

  const add = (parent, tag, name, text) => {
    const node = document.createElement(tag);
    node.className = name;
    if (text !== undefined) node.textContent = text;
    parent.appendChild(node);
    return node;
  };
  const buttons = () => [...el.querySelectorAll(".wb-answer-button")];

  function show() {
    const held = buttons().indexOf(document.activeElement);
    const { caption, score, items } = model.get("content");
    el.replaceChildren();
    const table = add(el, "table", "wb-answers-table");
    add(table, "caption", "wb-answers-caption", caption).dir = "auto";
    const head = add(add(table, "thead", ""), "tr", "");
    for (const [name, text] of [["rank", "rank"], ["word", "word"], ["score", score]])
      add(head, "th", `wb-answer-${name}`, text).scope = "col";
    const body = add(table, "tbody", "");
    items.forEach((item, at) => {
      const row = add(body, "tr", item.chosen ? "wb-answer wb-answer-chosen" : "wb-answer");
      add(row, "td", "wb-answer-rank", item.rank);
      const button = add(add(row, "td", "wb-answer-word"), "button", "wb-answer-button");
      button.type = "button";
      button.dir = "auto";
      button.setAttribute("aria-pressed", String(item.chosen));
      button.addEventListener("click", () => model.send({ open: at }));
      add(button, "span", "wb-answer-name", item.word);
      if (item.note) add(button, "span", "wb-answer-note", item.note);
      add(row, "td", "wb-answer-score", item.score);
    });
    if (held >= 0) buttons()[held]?.focus({ preventScroll: true });
  }

  function move(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const all = buttons();
    const at = all.indexOf(document.activeElement);
    const next = all[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (at < 0 || !next) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
  }

  el.addEventListener("keydown", move);
  model.on("change:content", show);
  show();
  return () => {
    el.removeEventListener("keydown", move);
    model.off("change:content", show);
  };
}

export default { render };
