// The page that shows the API: draws what openapi.json says and sends what is tried. Every word is set as text; nothing
// is loaded from elsewhere.

const one = (selector) => document.querySelector(selector);
const make = (tag, options = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
};
const described = new URL("openapi.json", document.baseURI);
const pretty = (value) => JSON.stringify(value, null, 2);
const capital = (words) => words.slice(0, 1).toUpperCase() + words.slice(1);

let description = null;

// ── What a form looks like

const nameOf = (schema) => schema.$ref?.split("/").pop();
const resolved = (schema) => (schema.$ref ? description.components.schemas[nameOf(schema)] : schema);

/** What a value may be, as text and links to forms. */
function kind(schema) {
  if (schema.$ref) return [make("a", { href: `#form-${nameOf(schema)}` }, nameOf(schema))];
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return several.flatMap((each, at) => [...(at ? [" or "] : []), ...kind(each)]);
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  if (schema.enum) return [schema.enum.map((each) => JSON.stringify(each)).join(" or ")];
  if (schema.type === "array") return ["list of ", ...(schema.items ? kind(schema.items) : ["anything"])];
  if (schema.type === "object" && typeof schema.additionalProperties === "object") return ["names to ", ...kind(schema.additionalProperties)];
  return [{ integer: "whole number", string: "text", boolean: "true or false", null: "null" }[schema.type] ?? schema.type ?? "anything"];
}

const BOUNDS = [["minLength", "maxLength", " characters"], ["minItems", "maxItems", " of them"], ["minimum", "maximum", ""]];

/** What limits a value, as sentences. */
function limits(schema) {
  const all = [schema, ...(schema.anyOf ?? [])], said = [];
  const bound = (name) => all.find((each) => name in each)?.[name].toLocaleString("en");
  for (const [least, most, unit] of BOUNDS) {
    const low = bound(least), high = bound(most);
    if (low && high) said.push(`${low} to ${high}${unit}.`);
    else if (low ?? high) said.push(low ? `From ${low}${unit}.` : `At most ${high}${unit}.`);
  }
  if (["boolean", "number", "string"].includes(typeof schema.default) && schema.default !== "") said.push(`Left out, it is ${schema.default}.`);
  return said.join(" ");
}

function fields(schema, label) {
  const needed = schema.required ?? [];
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => make("tr", {},
    make("th", { scope: "row" }, make("code", {}, name)), make("td", {}, ...kind(field)),
    make("td", {}, [needed.includes(name) ? "Needed." : "", field.description ?? "", limits(field)].filter(Boolean).join(" "))));
  if (!rows.length) return [];
  const head = ["Field", "Is", "Means"].map((words) => make("th", { scope: "col" }, words));
  return [make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": label },
    make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)))];
}

/** Text with `code` and **strong** words, as paragraphs. */
function paragraphs(text) {
  return text.split(/\n{2,}/).map((part) => make("p", {}, ...part.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((piece) =>
    piece.startsWith("`") ? make("code", {}, piece.slice(1, -1))
      : piece.startsWith("**") ? make("strong", {}, piece.slice(2, -2)) : piece.replaceAll("\n", " "))));
}

const block = (label, text) => make("pre", { tabIndex: 0, role: "region", "aria-label": label }, make("code", {}, text));

// ── One route

function route(path, method, operation) {
  const name = operation.operationId, title = `${method.toUpperCase()} ${path}`;
  const part = make("section", { className: "route", id: name, "aria-labelledby": `${name}-title` },
    make("h3", { id: `${name}-title` }, make("span", { className: "method" }, `${method.toUpperCase()} `), make("code", {}, path)),
    ...paragraphs(operation.description));
  const body = operation.requestBody?.content["application/json"]?.schema;
  const parameters = operation.parameters ?? [];
  const asked = body ? resolved(body) : { properties: Object.fromEntries(parameters.map((each) => [each.name, each.schema])),
    required: parameters.filter((each) => each.required).map((each) => each.name) };
  const table = fields(asked, `What ${title} takes`);
  if (table.length) part.append(make("h4", {}, "Takes"), ...table);
  part.append(make("h4", {}, "Gives"));
  for (const [status, response] of Object.entries(operation.responses)) {
    if (status < 400) part.append(...given(title, status, response));
  }
  part.append(problems(title, operation.responses), trial(path, method, operation, asked));
  return part;
}

function given(title, status, { description: says, content = {} }) {
  const [[type, { schema, examples = {}, example }] = ["", {}]] = Object.entries(content);
  const shown = example === undefined ? Object.entries(examples).map(([name, { value }]) => [name, pretty(value)]) : [[type, example]];
  return [
    make("p", {}, make("code", {}, status), ` ${says} `, ...(schema?.$ref ? kind(schema) : [])),
    ...shown.map(([name, text]) => make("details", {}, make("summary", {}, `Example: ${name}`), block(`${title}, example: ${name}`, text))),
  ];
}

function problems(title, responses) {
  const rows = Object.entries(responses).filter(([status]) => status >= 400).flatMap(([status, { content = {} }]) =>
    Object.entries(content["application/problem+json"]?.examples ?? {}).map(([name, { value }]) => make("tr", {},
      make("th", { scope: "row" }, make("code", {}, status)), make("td", {}, make("code", {}, name)), make("td", {}, value.detail))));
  const head = ["Status", "Type ends with", "Says, such as"].map((words) => make("th", { scope: "col" }, words));
  return make("details", {}, make("summary", {}, "Problems"),
    make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": `Problems of ${title}` },
      make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows))));
}

// ── Trying it

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function trial(path, method, operation, asked) {
  const id = operation.operationId;
  const inputs = (operation.parameters ?? []).map(({ name }) => [name, make("input", { id: `${id}-${name}`, autocomplete: "off", spellcheck: false })]);
  const samples = asked.examples ?? [];
  const body = operation.requestBody ? make("textarea", { id: `${id}-body`, spellcheck: false, value: samples.length ? pretty(samples[0]) : "{}" }) : null;
  const line = block(`The same with curl, ${id}`, ""), status = make("p", { role: "status" });
  const answer = block(`Answer of ${id}`, ""), send = make("button", { className: "sw-button is-main", type: "submit" }, "Send");
  const stop = make("button", { className: "sw-button", type: "button", hidden: true }, "Stop");
  line.classList.add("wraps");
  answer.classList.add("wraps");
  answer.hidden = true;

  const address = () => new URL(description.servers[0].url.replace(/\/*$/, "") +
    inputs.reduce((whole, [name, input]) => whole.replace(`{${name}}`, encodeURIComponent(input.value)), path), described);
  const streams = "text/event-stream" in (operation.responses[200]?.content ?? {});
  const write = () => {
    const flags = ["curl", ...(streams ? ["-N"] : []), quoted(address().href)];
    if (one("#key").value) flags.push("-H", "'authorization: Bearer KEY'");
    if (body) flags.push("-H", "'content-type: application/json'", "-d", quoted(body.value));
    line.firstChild.textContent = flags.join(" ");
  };
  const form = make("form", { className: "try" },
    ...inputs.map(([name, input]) => make("div", { className: "row" }, make("label", { htmlFor: input.id }, name), input)),
    ...(body ? [make("label", { htmlFor: body.id }, "Body"), body] : []),
    ...(samples.length > 1 ? [make("div", { className: "row" }, ...samples.map((sample, at) => {
      const button = make("button", { className: "sw-button is-plain", type: "button" }, `Example ${at + 1}`);
      button.addEventListener("click", () => { body.value = pretty(sample); write(); });
      return button;
    }))] : []),
    make("div", { className: "row" }, send, stop, status), answer, make("p", { className: "quiet" }, "The same with curl:"), line);
  form.addEventListener("input", write);
  one("#key").addEventListener("input", write);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const sending = new AbortController(), began = performance.now();
    stop.onclick = () => sending.abort();
    send.disabled = true;
    stop.hidden = false;
    status.textContent = "Waiting …";
    const show = (text) => { answer.hidden = false; answer.firstChild.textContent = text; };
    show("");
    try {
      const headers = { ...keyed(), ...(body && { "content-type": "application/json" }) };
      const response = await fetch(address(), { method: method.toUpperCase(), headers, body: body?.value, signal: sending.signal });
      const said = () => `${response.status} ${response.statusText} in ${Math.round(performance.now() - began)} ms${
        response.headers.has("retry-after") ? `, wait ${response.headers.get("retry-after")} s` : ""}`;
      let text = "";
      for await (const piece of pieces(response)) show(text += piece);
      if (/json/.test(response.headers.get("content-type"))) show(pretty(JSON.parse(text)));
      status.textContent = said();
    } catch (problem) {
      status.textContent = sending.signal.aborted ? "Stopped." : `The server did not answer (${problem.message}).`;
    } finally {
      send.disabled = false;
      stop.hidden = true;
    }
  });
  write();
  return make("details", { className: "trial" }, make("summary", {}, "Try it"), form);
}

/** The text of a response as it comes. */
async function* pieces(response) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader.read()) yield part.value;
}

const keyed = () => (one("#key").value ? { authorization: `Bearer ${one("#key").value}` } : {});

// ── The whole page

async function load() {
  let given;
  one(".failed").hidden = true;
  try {
    const response = await fetch(described, { headers: keyed() });
    given = await response.json();
    if (!response.ok) throw new Error(given.detail);
  } catch (problem) {
    one(".failed").textContent = `The description did not come: ${problem.message}`;
    one(".failed").hidden = false;
    return;
  }
  description = given;
  one("#intro").replaceChildren(...paragraphs(`${given.info.summary}\n\n${given.info.description.trim()}`));
  const operations = Object.entries(given.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [path, method, operation]));
  one("#contents").replaceChildren(...operations.map(([path, method, { operationId, description: says }]) => make("li", {},
    make("a", { href: `#${operationId}` }, make("code", { className: "path" }, `${method.toUpperCase()} ${path}`),
      make("span", { className: "says" }, says.split("\n")[0].replace(/`/g, ""))))));
  const tags = [...new Set(operations.map(([, , operation]) => operation.tags[0]))];
  one("#routes").replaceChildren(...tags.flatMap((tag) => [make("h2", {}, capital(tag)),
    ...operations.filter(([, , operation]) => operation.tags[0] === tag).map((operation) => route(...operation))]));
  const forms = Object.entries(given.components.schemas).map(([name, schema]) => make("section", { className: "form", id: `form-${name}`, "aria-labelledby": `form-${name}-title` },
    make("h3", { id: `form-${name}-title` }, name), ...paragraphs(schema.description ?? ""), ...fields(schema, `Fields of ${name}`)));
  one("#forms").replaceChildren(one("#forms-title"), ...forms);
  one("#forms").hidden = false;
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

one("#access").addEventListener("submit", (event) => {
  event.preventDefault();
  load();
});
load();
