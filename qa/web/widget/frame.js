// The page for frames: what the widget's attributes say elsewhere, the address says here (?lang=ko&theme=dark).
const element = document.querySelector("span-wise");
const asked = new URLSearchParams(location.search);
for (const name of ["lang", "heading", "theme", "documents", "source"]) {
  if (asked.get(name)) element.setAttribute(name, asked.get(name));
}
if (asked.has("feedback")) element.setAttribute("feedback", "");
if (asked.get("lang")) document.documentElement.lang = asked.get("lang");
if (asked.get("heading")) document.title = asked.get("heading");
if (asked.get("theme") === "dark" || asked.get("theme") === "light") document.documentElement.classList.add(asked.get("theme"));
