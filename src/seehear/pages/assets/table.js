"use strict";
// Sorts tables by their columns. Without this script, heads are plain text and rows keep the page's order.
(() => {
  // A cell's number, else its text; null for an empty cell, which comes last in both directions
  const value = (row, column) => {
    const text = row.cells[column].textContent.trim();
    if (text === "" || text === "–") return null;
    const number = Number(text.replaceAll("−", "-"));
    return Number.isNaN(number) ? text : number;
  };

  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));

  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const first = head.dataset.first; // "ascending" or "descending"; none if the column can't be sorted
      if (!first) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        const down = now ? now === "ascending" : first === "descending";
        const rows = [...body.rows].map((row) => ({ row, value: value(row, column) }));
        const known = rows.filter((one) => one.value !== null).sort((a, b) => (down ? -1 : 1) * compare(a.value, b.value));
        body.append(...[...known, ...rows.filter((one) => one.value === null)].map((one) => one.row));
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
      });
    });
  }
})();
