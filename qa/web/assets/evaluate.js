// The page's only script: hands the chosen file over, shows how far it is, then the figures and the files.
// Every word from a question set is set as text. Without innerHTML: the page's policy forbids it.

const one = (selector) => document.querySelector(selector);
const make = (tag, options = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), options);
  node.append(...children);
  return node;
};
const form = one(".choose"), running = one(".running"), results = one(".results"), failed = one(".failed");
const RUNS = "evaluate/runs";
const pause = (seconds) => new Promise((done) => { setTimeout(done, 1000 * seconds); });
const say = (words) => { one(".says").textContent = words; };

function show(part) {
  for (const each of [running, results, failed]) each.hidden = each !== part;
  one(".choose button").disabled = part === running;
}

function fail(words) {
  show(failed);
  failed.textContent = words.slice(0, 1).toUpperCase() + words.slice(1) + (/[\p{L}\p{N}]$/u.test(words) ? "." : "");
}

const detail = async (response) => {
  try { return (await response.json()).detail || "The server did not take the file."; }
  catch { return "The server did not take the file."; }
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const file = one("#set").files[0];
  if (!file) return;
  progress({ done: 0, total: 0 });
  show(running);
  one(".stop").focus();
  try {
    const response = await fetch(RUNS + "?name=" + encodeURIComponent(file.name), { method: "POST", body: file });
    if (!response.ok) fail(await detail(response));
    else await follow((await response.json()).id);
  } catch {
    fail("The file could not be sent: check that it is still there and that the server runs");
  }
});

async function follow(id) {
  history.replaceState(null, "", "#" + id);
  show(running);
  one(".stop").onclick = () => {
    say("Stopping");
    fetch(RUNS + "/" + id + "/stop", { method: "POST" });
  };
  for (let missed = 0; missed < 30;) {
    let status;
    try {
      const response = await fetch(RUNS + "/" + id);
      if (response.status === 404) return forget(await detail(response));
      if (!response.ok) throw new Error("not now");
      status = await response.json();
      missed = 0;
    } catch {
      missed += 1;
      await pause(2);
      continue;
    }
    if (status.state === "running") progress(status);
    else if (status.state === "done") return finish(id, status);
    else return forget(status.state === "stopped" ? "Stopped: nothing was kept" : status.error);
    await pause(1);
  }
  fail("The server does not answer any more");
}

function forget(words) {
  history.replaceState(null, "", location.pathname);
  fail(words);
}

function progress({ done, total, seconds = 0 }) {
  const bar = one("#bar");
  if (total) {
    bar.max = total;
    bar.value = done;
  } else bar.removeAttribute("value");
  const rate = done / seconds, left = Math.round((total - done) / rate);
  const time = done && rate ? ", about " + (left < 90 ? left + " seconds" : Math.round(left / 60) + " minutes") + " left" : "";
  one(".count").textContent = total ? done + " of " + total + " questions" + time : "Reading the file…";
}

function finish(id, status) {
  const number = (value) => value === null ? "–" : value.toFixed(1);
  one("tbody").replaceChildren(...status.figures.map(({ name, value, interval }) => make("tr", {},
    make("th", { scope: "row", textContent: name }),
    make("td", { className: "number", textContent: number(value) }),
    make("td", { textContent: interval ? number(interval[0]) + " to " + number(interval[1]) : "–" }))));
  one("#results-title").textContent = status.questions + (status.questions === 1 ? " question" : " questions") + " asked";
  const at = (name) => RUNS + "/" + id + "/" + name;
  const words = { "spanwise-evaluation.zip": "Download everything", "predictions.csv": "Answers as a sheet", "metrics.json": "Figures as JSON" };
  one(".links").replaceChildren(
    make("a", { className: "sw-button is-main", href: at("report.html"), textContent: "Open the report" }),
    ...Object.entries(words).filter(([name]) => status.files.includes(name)).map(([name, text]) =>
      make("a", { className: "sw-button", href: at(name), download: name, textContent: text })));
  const notes = [...status.warnings, ...status.problems];
  if (status.more_problems) notes.push("and " + status.more_problems + " more, in run.json");
  if (status.limited) notes.push("Only the first 1,000 questions are asked here: spanwise evaluate asks all.");
  one(".notes").hidden = notes.length === 0;
  one(".notes ul").replaceChildren(...notes.map((words) => make("li", { textContent: words })));
  show(results);
  results.focus();
  say("All questions were asked");
}

const known = location.hash.slice(1);
if (/^[\w-]{32}$/.test(known)) follow(known);   // back from the report, or loaded again
