// The Embed page: the options make the snippet and are shown at once on a publisher's page in the frame.
const form = document.querySelector("#options");
const frame = document.querySelector("iframe");
const base = new URL("..", import.meta.url).href;
const { origin } = new URL(base);
const byId = (id) => document.getElementById(id);
const quoted = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

/** White or black, whichever is easier to read on a colour (WCAG 2 relative luminance). */
function readableOn(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

function chosen() {
  const given = new FormData(form);
  const attributes = {};
  if (given.get("for")) attributes.for = given.get("for");
  if (given.get("form")) attributes.floating = "";
  if (given.get("feedback")) attributes.feedback = "";
  for (const name of ["lang", "theme", "heading"]) if (given.get(name)) attributes[name] = given.get(name);
  const accent = given.get("own") ? given.get("accent") : null;
  return { attributes, accent };
}

function show() {
  const { attributes, accent } = chosen();
  const written = Object.entries(attributes).map(([name, value]) => (value ? ` ${name}="${quoted(value)}"` : ` ${name}`)).join("");
  byId("html").textContent =
    `<script type="module" src="${base}widget/spanwise.js"></script>\n<span-wise${written}></span-wise>`;
  const rule = accent && `--spanwise-accent: ${accent}; --spanwise-on-accent: ${readableOn(accent)};`;
  byId("css").textContent = rule ? `span-wise { ${rule} }` : "";
  byId("css").parentElement.hidden = byId("styled").hidden = !rule;
  const { for: _, floating: __, ...rest } = attributes;
  const query = new URLSearchParams(rest).toString();
  byId("frame").textContent =
    `<iframe src="${quoted(`${base}embed${query && `?${query}`}`)}" title="Ask this article" width="100%" height="520"></iframe>`;
  byId("csp").textContent = `script-src ${origin}; connect-src ${origin}`;
  byId("csp-frame").textContent = `frame-src ${origin}`;
  const element = frame.contentDocument?.querySelector("span-wise");
  if (!element) return;
  for (const name of ["for", "floating", "lang", "theme", "heading", "feedback"]) {
    if (name in attributes) element.setAttribute(name, attributes[name]);
    else element.removeAttribute(name);
  }
  frame.contentWindow.scrollTo(0, attributes.floating === undefined ? element.offsetTop - frame.clientHeight / 2 : 0);
  element.style.setProperty("--spanwise-accent", accent ?? "");
  element.style.setProperty("--spanwise-on-accent", accent ? readableOn(accent) : "");
}

form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
frame.addEventListener("load", show);
for (const button of document.querySelectorAll("[data-copies]")) {
  button.addEventListener("click", async () => {
    const status = button.nextElementSibling;
    try {
      await navigator.clipboard.writeText(byId(button.dataset.copies).textContent);
      status.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(byId(button.dataset.copies));
      status.textContent = "Selected: copy it with the keyboard.";
    }
  });
}
show();
