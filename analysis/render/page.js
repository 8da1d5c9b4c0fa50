// What a report does beside being read: tables sort, filter and group; figures are drawn, and their
// legends choose. Without it tables are whole and figures are files.
"use strict";
(() => {
  const kShown = matchMedia("(max-width: 480px)").matches ? 10 : 50;  // rows of a table with filters, until all are asked for

  const make = (name, text, parent) => {
    const element = document.createElement(name);
    if (text) element.textContent = text;
    if (parent) parent.append(element);
    return element;
  };

  // ---- tables ----

  const textOf = (row, column) => row.cells[column].innerText || row.cells[column].textContent;
  const kNumber = /^[<[]?\s*(-?(?:\d{1,3}(?:,\d{3})+|\d*)(?:\.\d+)?)([kM]?)/;
  const numberIn = text => {
    const [, digits, unit] = kNumber.exec(text) || [];
    return digits ? Number(digits.replaceAll(",", "")) * ({ k: 1e3, M: 1e6 }[unit] || 1) : NaN;
  };
  // Numbers before words, and what is empty last in either direction.
  const compare = (a, b, sign) => {
    if (!a.trim() || !b.trim()) return !a.trim() - !b.trim();
    const [x, y] = [numberIn(a), numberIn(b)];
    if (!isNaN(x) && !isNaN(y)) return sign * (x - y);
    if (isNaN(x) !== isNaN(y)) return isNaN(x) - isNaN(y);
    return sign * a.localeCompare(b, "en", { numeric: true });
  };

  // One table: its rows as they came, and what of them is shown how.
  const setUpTable = table => {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const head = table.tHead ? [...table.tHead.rows[0].cells] : [];
    const titles = head.map(cell => cell.textContent);
    const state = { column: -1, sign: 1, words: "", chosen: new Map(), group: -1, all: false, paper: false };
    let shown = () => {};

    const matches = row =>
      [...state.chosen].every(([column, value]) => row.cells[column].textContent === value) &&
      row.textContent.toLowerCase().includes(state.words);

    const render = () => {
      let found = rows.filter(matches);
      if (state.column >= 0) {
        found.sort((a, b) => compare(textOf(a, state.column), textOf(b, state.column), state.sign));
      }
      const groups = new Map();
      for (const row of found) {
        const key = state.group < 0 ? "" : row.cells[state.group].textContent;
        groups.set(key, [...(groups.get(key) || []), row]);
      }
      const limit = table.dataset.filters && !state.all && !state.paper ? kShown : Infinity;
      const visible = [];
      for (const [key, members] of groups) {
        if (visible.length >= limit) break;
        if (state.group >= 0) {
          const header = make("tr");
          header.className = "group";
          make("td", `${key || "none"}: ${members.length}`, header).colSpan = titles.length;
          visible.push(header);
        }
        visible.push(...members.slice(0, limit - visible.length));
      }
      body.replaceChildren(...visible);
      shown(visible.filter(row => row.className !== "group").length, found.length);
    };

    addEventListener("beforeprint", () => { state.paper = true; render(); });
    addEventListener("afterprint", () => { state.paper = false; render(); });

    // A column of -1: as the rows came.
    const sortBy = (column, sign) => {
      [state.column, state.sign] = [column, sign];
      head.forEach(cell => cell.removeAttribute("aria-sort"));
      if (column >= 0) head[column].setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      render();
    };
    head.forEach((cell, column) => {
      cell.classList.add("sorts");
      cell.tabIndex = 0;
      const sort = () => sortBy(column, state.column === column ? -state.sign : 1);
      cell.addEventListener("click", sort);
      cell.addEventListener("keydown", event => event.key === "Enter" && sort());
    });
    const controls = make("div");
    controls.className = "controls";
    table.parentElement.before(controls);
    const choice = (title, options, changed) => {
      const select = make("select", "", make("label", title, controls));
      for (const [value, text] of options) make("option", text, select).value = value;
      select.addEventListener("change", () => { changed(select.value); render(); });
      return select;
    };
    // Cards have no heads to click.
    if (head.length && rows.length > 1) {
      const orders = titles.flatMap((title, column) => title
        ? [[`${column} 1`, `${title}, ascending`], [`${column} -1`, `${title}, descending`]] : []);
      choice("sort by", [["-1 1", "as it is"], ...orders], value => sortBy(...value.split(" ").map(Number)))
        .parentElement.className = "of-cards";
    }
    if (!table.dataset.filters) {
      controls.classList.add("of-cards");
      return;
    }
    const columns = table.dataset.filters.split(",").map(Number);
    for (const column of columns) {
      const values = [...new Set(rows.map(row => row.cells[column].textContent))].filter(Boolean);
      choice(titles[column], [["", "all"], ...values.map(value => [value, value])], value => {
        if (value) state.chosen.set(column, value); else state.chosen.delete(column);
      });
    }
    choice("group by", [[-1, "nothing"], ...columns.map(column => [column, titles[column]])],
           value => { state.group = Number(value); });
    const words = make("input", "", make("label", "contains", controls));
    words.type = "search";
    words.addEventListener("input", () => { state.words = words.value.toLowerCase(); render(); });
    const count = make("output", "", controls);
    const more = make("button", "show all", controls);
    more.type = "button";
    more.addEventListener("click", () => { state.all = true; render(); });
    shown = (some, all) => {
      count.textContent = `${some} of ${all} rows`;
      more.hidden = some === all;
    };
    render();
  };

  // ---- figures ----

  const kConfig = {
    font: "system-ui, sans-serif", background: "transparent", view: { stroke: null },
    axis: { domainColor: "#888888", tickColor: "#888888", gridColor: "#dddddd", labelFontSize: 12,
            titleFontSize: 12, titleFontWeight: "normal" },
    text: { fontSize: 12 },
  };

  // What lies within a finger's width of what is pointed at is named with it: points overlap.
  const kNear = 8;  // pixels
  const together = (item, value) => {
    if (!value || item?.mark?.marktype !== "symbol") return value;
    const near = item.mark.items.filter(other => other.tooltip &&
      Math.hypot(other.x - item.x, other.y - item.y) <= kNear);
    if (near.length < 2) return value;
    const words = ({ strategy, ...rest }) =>
      [strategy, Object.entries(rest).map(([title, text]) => `${title} ${text}`).join(", ")];
    return Object.fromEntries(near.map(other => words(other.tooltip)));
  };
  const nameAll = view => {
    const show = view.tooltip();
    view.tooltip((handler, event, item, value) => show.call(view, handler, event, item, together(item, value)));
    return view.runAsync();  // a view with another tooltip is drawn anew
  };

  const draw = async figure => {
    const specs = JSON.parse(figure.querySelector("script").textContent);
    const views = [];
    for (const [index, element] of [...figure.querySelectorAll(".chart")].entries()) {
      const options = { actions: false, renderer: "svg", config: kConfig, tooltip: { theme: "light" } };
      const spec = { ...specs[index], autosize: { type: "fit-x", contains: "padding" } };
      const { view } = await vegaEmbed(element, spec, options);
      await nameAll(view);
      views.push(view);
    }
    const legend = figure.querySelector(".legend");
    if (!legend) return;
    const buttons = [...legend.querySelectorAll("button")];
    legend.addEventListener("click", event => {
      const button = event.target.closest("button");
      if (!button) return;
      button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
      const picked = buttons.filter(one => one.getAttribute("aria-pressed") === "true")
        .map(one => one.dataset.id);
      legend.classList.toggle("chosen", picked.length > 0);
      for (const view of views) view.signal("picked", picked).runAsync();
    });
  };

  // On paper nothing is folded.
  const folded = new Set();
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not([open])")) {
      folded.add(details);
      details.open = true;
    }
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
    folded.clear();
  });

  const start = async () => {
    document.querySelectorAll("table").forEach(setUpTable);
    for (const figure of document.querySelectorAll("figure")) await draw(figure);
    document.documentElement.dataset.drawn = "yes";  // for whoever waits for it
  };
  start();
})();
