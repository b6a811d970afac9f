// Sorting, finding and unfolding in the table of questions. The outcome filter is CSS; without this script every
// question stands unfolded.
"use strict";

const table = document.querySelector("table.questions");
const body = table.tBodies[0];
const pairs = [...body.querySelectorAll("tr:not(.detail)")].map((row) => ({ row, detail: row.nextElementSibling }));
const find = document.getElementById("find");
const count = document.getElementById("count");

for (const { detail } of pairs) detail.hidden = true;

function unfold(button, open) {
  button.setAttribute("aria-expanded", String(open));
  button.closest("tr").nextElementSibling.hidden = !open;
}

body.addEventListener("click", (event) => {
  const button = event.target.closest("button[aria-expanded]");
  if (button) unfold(button, button.getAttribute("aria-expanded") !== "true");
});

function key({ row }, column) {
  const cell = row.cells[column];
  return cell.dataset.key === undefined ? cell.textContent.trim().toLowerCase() : Number(cell.dataset.key);
}

function sort(header) {
  const column = header.cellIndex;
  const down = header.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b));
  const keyed = pairs.map((pair, at) => ({ pair, at, value: key(pair, column) }));
  keyed.sort((a, b) => (down ? -1 : 1) * compare(a.value, b.value) || a.at - b.at);
  body.append(...keyed.flatMap(({ pair }) => [pair.row, pair.detail]));
}

table.tHead.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) sort(button.closest("th"));
});

function tell() {
  const shown = pairs.filter(({ row }) => row.offsetParent !== null || row.getClientRects().length).length;
  count.textContent = `${shown} of ${pairs.length} rows`;
}

find.addEventListener("input", () => {
  const words = find.value.trim().toLowerCase();
  for (const { row } of pairs) row.classList.toggle("out", !row.textContent.toLowerCase().includes(words));
  tell();
});

document.querySelector("form.filter").addEventListener("change", tell);
document.querySelector("form.filter").addEventListener("submit", (event) => event.preventDefault());
