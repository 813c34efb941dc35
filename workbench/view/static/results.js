// The list beside the map. Every text is set with textContent: nothing in a corpus is read as markup. Each entry is a
// button, so that the keyboard reaches all that a click on the map does.

function render({ model, el }) {
  el.classList.add("wb-results");

  const add = (parent, tag, name, text) => {
    const node = document.createElement(tag);
    node.className = name;
    node.dir = "auto";
    if (text !== undefined) node.textContent = text;
    parent.appendChild(node);
    return node;
  };

  function show() {
    const { heading, note, items, hints } = model.get("content");
    el.replaceChildren();
    const head = add(el, "div", "wb-results-head");
    add(head, "div", "wb-results-heading", heading);
    add(head, "div", "wb-results-note", note);
    for (const [name, text] of hints) {
      const hint = add(el, "div", "wb-results-hint");
      add(hint, "div", "wb-results-hint-name", name);
      add(hint, "div", "", text);
    }
    const list = add(el, "ol", "wb-results-list");
    for (const item of items) {
      const line = add(list, "li", item.chosen ? "wb-hit wb-hit-chosen" : "wb-hit");
      line.dataset.id = item.id;
      const button = add(line, "button", "wb-hit-button");
      button.type = "button";
      button.title = "Show its neighbours";
      button.addEventListener("click", () => model.send({ open: item.row }));
      const top = add(button, "div", "wb-hit-top");
      if (item.rank) add(top, "span", "wb-hit-rank", item.rank);
      add(top, "span", "wb-hit-title", item.title);
      if (item.score) add(top, "span", "wb-hit-score", item.score);
      if (item.about) add(button, "div", "wb-hit-about", item.about);
      add(button, "div", "wb-hit-text", item.text);
    }
    list.scrollTop = 0;
  }

  function move(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const buttons = [...el.querySelectorAll(".wb-hit-button")];
    const at = buttons.indexOf(document.activeElement);
    const next = buttons[at + (event.key === "ArrowDown" ? 1 : -1)];
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
