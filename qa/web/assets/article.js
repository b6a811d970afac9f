// The page's only script: draws the article, lights what is cited and joins the chips in the conversation to it.
// Gradio runs it as the body of a function of (element, trigger, props, watch) when the article pane is mounted.
// Whatever comes from a document or a question is set as text, never as markup. No template marks ($ and {) below meet.

const one = (selector, root = element) => root.querySelector(selector);
const every = (selector, root = element) => [...root.querySelectorAll(selector)];
const make = (tag, options = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), options);
  node.append(...children);
  return node;
};

const page = one(".page");
const source = element.closest(".source");
const phone = matchMedia("(max-width: 56rem)");
const still = matchMedia("(prefers-reduced-motion: reduce)");

let shown = null;   // the document drawn: { id, title, text, … }
let blocks = [];    // its paragraphs: { node, start, end, key }, in UTF-16 units
let unit = (n) => n;
let turns = [];     // what each answered turn cites
let hand = 0;       // the turn in hand: the newest, or the one whose chip was pressed last
let active = "";    // the place just asked for: "cite-3" or "near-2"

// ── Offsets ────────────────────────────────────────────────────────────────────────────────────────────────────────
// The server counts code points, strings here count UTF-16 units: each character beyond U+FFFF before a place adds one.

function unitsOf(text) {
  const wide = [];
  let n = 0;
  if (/[\ud800-\udbff][\udc00-\udfff]/.test(text)) {
    for (const character of text) {
      if (character.length === 2) wide.push(n);
      n += 1;
    }
  }
  return (offset) => {
    let low = 0, high = wide.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (wide[middle] < offset) low = middle + 1; else high = middle;
    }
    return offset + low;
  };
}

// ── The article ────────────────────────────────────────────────────────────────────────────────────────────────────

// Paragraphs are runs of lines without a blank line between them. Short lines are set small and quiet, never dropped.
function drawDocument() {
  const drawn = document.createDocumentFragment();
  blocks = [];
  const { text, title, quiet } = shown;
  const silent = quiet.map(([start, end]) => [unit(start), unit(end)]);
  let position = 0, titled = false;
  for (const match of text.matchAll(/\S[^\n\r]*(?:(?:\r\n|\r|\n)[^\S\n\r]*\S[^\n\r]*)*/g)) {
    const start = match.index, end = start + match[0].length;
    if (start > position) drawn.append(text.slice(position, start));
    const lines = match[0].split(/\r\n|\r|\n/);
    const first = lines.length === 1 ? match[0].trim() : "";
    const heading = shown.markdown ? /^(#{1,6})\s/.exec(first) : null;
    let tag = "p", kind = "";
    if (!titled && blocks.length === 0 && first.replace(/^#+\s*/, "").replace(/\s+/g, " ") === title) [tag, titled] = ["h1", true];
    else if (heading) tag = heading[1].length === 1 ? "h2" : "h3";
    else if (silent.some(([low, high]) => low < end && start < high) && silent.reduce((sum, [low, high]) =>
      sum + Math.max(0, Math.min(high, end) - Math.max(low, start)), 0) > (end - start) / 2) kind = "short";
    else if (first && first.length <= 24 && !/[.!?。！？:]$/.test(first)) kind = "short";
    else if (lines.length > 1 && lines.slice(0, -1).some((line) => line.trimEnd().length < 45)) kind = "lines";
    const node = make(tag, { className: kind, dir: "auto" });
    drawn.append(node);
    blocks.push({ node, start, end, key: null });
    position = end;
  }
  if (position < text.length) drawn.append(text.slice(position));
  page.replaceChildren(drawn);
  source.classList.toggle("is-titled", titled);
  one(".bar-title").textContent = title;
  one(".peek-title").textContent = title;
  drawLibrary();
}

// Overlapping places: the text is split at every boundary, and each place keeps its own number at its end.
function places() {
  const found = [];
  for (const { turn, cites, near } of turns) {
    for (const cite of cites) {
      if (cite.document === shown.id) found.push({ turn, n: cite.n, start: unit(cite.start), end: unit(cite.end) });
    }
    if (near && near.document === shown.id) found.push({ turn, n: 0, start: unit(near.start), end: unit(near.end) });
  }
  return found;
}

function drawMarks() {
  const all = places();
  for (const block of blocks) {
    const here = all.filter((place) => place.start < block.end && block.start < place.end);
    const key = JSON.stringify(here);
    if (key === block.key) continue;
    block.key = key;
    const cuts = new Set([block.start, block.end]);
    for (const place of here) {
      cuts.add(Math.max(place.start, block.start));
      cuts.add(Math.min(place.end, block.end));
    }
    const bounds = [...cuts].sort((a, b) => a - b);
    block.node.replaceChildren();
    for (let k = 0; k + 1 < bounds.length; k += 1) {
      const [low, high] = [bounds[k], bounds[k + 1]];
      const text = shown.text.slice(low, high);
      const over = here.filter((place) => place.start <= low && high <= place.end);
      const cited = over.filter((place) => place.n);
      if (over.length === 0) block.node.append(text);
      else {
        const node = make(cited.length ? "mark" : "span", { textContent: text });
        node.dataset.places = over.map((place) => place.n ? "cite-" + place.n : "near-" + place.turn).join(" ");
        node.dataset.turns = cited.map((place) => place.turn).join(" ");
        block.node.append(node);
      }
      for (const place of here.filter((each) => each.n && each.end === high)) {
        const badge = make("a", { className: "sw-badge", href: "#chip-" + place.n });
        badge.dataset.n = place.n;
        badge.setAttribute("aria-label", "Citation " + place.n + ", back to the answer");
        block.node.append(badge);
      }
    }
  }
  dress();
}

// Classes only: which spans are in hand, which one is asked for, in the article, its bar and the conversation.
function dress() {
  for (const node of every("[data-places]", page)) {
    const names = node.dataset.places.split(" ");
    const lit = node.dataset.turns !== "";
    const inHand = lit && node.dataset.turns.split(" ").includes(String(hand));
    node.classList.toggle("sw-lit", lit);
    node.classList.toggle("is-earlier", lit && !inHand);
    node.classList.toggle("is-active", lit && names.includes(active));
    node.classList.toggle("sw-near", active.startsWith("near-") && names.includes(active));
  }
  for (const badge of every(".sw-badge", page)) badge.classList.toggle("is-active", active === "cite-" + badge.dataset.n);
  const cited = turns.find(({ turn }) => turn === hand)?.cites ?? [];
  const bar = one(".cited");
  bar.hidden = cited.length === 0;
  const numbers = cited.map(({ n }) => String(n));
  if (every(".sw-chip", bar).map((chip) => chip.dataset.n).join() !== numbers.join()) {
    every(".sw-chip", bar).forEach((chip) => chip.remove());
    for (const n of numbers) {
      const chip = make("a", { className: "sw-chip", href: "#cite-" + n },
        make("span", { className: "sw-vh", textContent: "Go to citation " }), n);
      chip.dataset.n = n;
      bar.append(chip);
    }
  }
  for (const chip of every(".sw-chip", document)) {
    const on = chip.hash === "#" + active;
    if (chip.classList.contains("is-active") !== on) chip.classList.toggle("is-active", on);
    if (on) chip.setAttribute("aria-current", "true");
    else if (chip.hasAttribute("aria-current")) chip.removeAttribute("aria-current");
  }
}

function drawLibrary() {
  const library = one(".library");
  library.hidden = shown.all.length < 2;
  library.replaceChildren(...(library.hidden ? [] : shown.all.map(({ id, title }) => {
    const button = make("button", { className: "sw-button is-plain", type: "button", textContent: title, dir: "auto" });
    if (id === shown.id) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => { if (id !== shown.id) trigger("show", { id, go: "" }); });
    return button;
  })));
}

// ── Going there and back ───────────────────────────────────────────────────────────────────────────────────────────

const say = (words) => {
  const status = one(".says");
  status.textContent = "";
  setTimeout(() => { status.textContent = words; }, 50);   // the same words twice are still announced
};
const scroll = (node, block) => node.scrollIntoView({ block, behavior: still.matches ? "auto" : "smooth" });

function find(name) {
  const [kind, number] = name.split("-");
  for (const { turn, cites, near } of turns) {
    if (kind === "near" && turn === Number(number) && near) return { turn, document: near.document };
    const cite = cites.find(({ n }) => kind === "cite" && n === Number(number));
    if (cite) return { turn, document: cite.document };
  }
  return null;
}

function go(name) {
  const place = find(name);
  if (!place) return;
  if (place.document !== shown.id) {
    trigger("show", { id: place.document, go: name });
    return;
  }
  hand = place.turn;
  active = name;
  dress();
  raise();
  one('.cited [href="#' + name + '"]')?.scrollIntoView({ block: "nearest", inline: "nearest" });
  const first = one('[data-places~="' + name + '"]', page);
  if (!first) return;
  first.tabIndex = -1;
  const badge = one('.sw-badge[data-n="' + name.slice(5) + '"]', page);
  (name.startsWith("cite-") && badge ? badge : first).focus({ preventScroll: true });
  scroll(first, "center");
  say(name.startsWith("cite-") ? "Citation " + name.slice(5) + ", in the article" : "Nearest passage, in the article");
}

function back(name) {
  const chip = document.querySelector('.turns [id="' + name + '"]');
  if (!chip) return;
  chip.focus({ preventScroll: true });
  scroll(chip, "nearest");
}

// Phone: the article is a sheet. Back lowers it, so raising it is one step of history.
function raise() {
  if (!phone.matches || source.classList.contains("is-open")) return;
  source.classList.add("is-open");
  one(".peek").setAttribute("aria-expanded", "true");
  if (!history.state?.sheet) history.pushState({ ...history.state, sheet: true }, "");
}

function lower() {
  if (!source.classList.contains("is-open")) return;
  const within = source.contains(document.activeElement);
  source.classList.remove("is-open");
  one(".peek").setAttribute("aria-expanded", "false");
  if (history.state?.sheet) history.back();
  if (!within) return;
  if (active.startsWith("cite-")) back("chip-" + active.slice(5));
  else one(".peek").focus();
}

// ── Putting an answer right ────────────────────────────────────────────────────────────────────────────────────────
// The words are selected in the article, or typed and found there; only their places are sent. What is picked is shown
// by a highlight, which leaves the nodes and with them the selection as they are.

const strip = one(".sw-fix");
let fixing = null;   // { turn, ticket, document, picks: [{ start, end }], at, found, said, saved }, picks in UTF-16 units
let presses = 0;
let pressed = false;   // a pointer is down: the strip may not move the words under it

function openFix(turn) {
  closeFix(false);
  fixing = { turn: turn.turn, ticket: turn.ticket, silent: turn.cites.length === 0, document: shown.id, picks: [], at: 0, found: [], said: "", saved: false };
  const button = fixButton();
  if (button) button.textContent = "Correcting this answer";
  getSelection().removeAllRanges();
  raise();
  drawFix();
  strip.focus({ preventScroll: true });
}

const fixButton = () => document.querySelector('.turns [id="fix-' + fixing.turn + '"]');

function closeFix(refocus = true) {
  if (!fixing) return;
  const button = fixButton();
  if (button) button.textContent = "Not right?";
  const within = refocus && (element.contains(document.activeElement) || document.activeElement === document.body);
  if (within) (button ?? document.querySelector(".dock textarea"))?.focus();
  fixing = null;
  drawFix();
}

function drawFix() {
  const top = page.getBoundingClientRect().top;
  const press = (words, work, kind = "") => {
    const button = make("button", { className: "sw-button " + kind, type: "button", textContent: words });
    button.addEventListener("click", work);
    return button;
  };
  strip.hidden = !fixing;
  strip.replaceChildren(...(fixing ? parts() : []));
  showPicked();
  const moved = page.getBoundingClientRect().top - top;   // the words stay where they were
  if (moved) page.scrollTo({ top: page.scrollTop + moved, behavior: "instant" });

  function parts() {
    const line = (words) => make("p", { textContent: words });
    if (shown.refusal) return [line(shown.refusal), press("Close", closeFix, "is-plain")];
    if (fixing.saved) return [line("Saved as a test question."), press("Close", closeFix, "is-plain")];
    const drawn = fixing.said ? [line(fixing.said)] : [];
    for (const { start, end } of fixing.picks) {
      drawn.push(make("p", { className: "sw-quote", dir: "auto", textContent: shown.text.slice(start, end) }));
    }
    if (fixing.at < fixing.picks.length) {
      drawn.push(press("Save as the right answer", () => save(fixing.picks), "is-main"));
      if (fixing.found.length > 1) {
        const at = fixing.found.findIndex(({ start }) => start === fixing.picks[fixing.at].start);
        const words = "Next place (" + (at + 1) + " of " + fixing.found.length + ")";
        drawn.push(press(words, () => pick(fixing.found[(at + 1) % fixing.found.length], true)));
      }
      drawn.push(press("Add more words", () => {
        fixing.at = fixing.picks.length;
        fixing.found = [];
        getSelection().removeAllRanges();
        drawFix();
        strip.focus({ preventScroll: true });
      }));
    } else {
      const several = fixing.picks.length ? "Select more words in the article, or:" : fixing.silent ? "Select the right words in the article." : "Select the right words in the article, or:";
      const none = shown.all.length > 1 ? "It is not in the documents" : "It is not in the document";
      drawn.push(line(several));
      if (fixing.picks.length) drawn.push(press("Save as the right answer", () => save(fixing.picks), "is-main"));
      else if (!fixing.silent) drawn.push(press(none, () => save(null)));
    }
    drawn.push(press("Cancel", closeFix, "is-plain"));
    if (fixing.at === fixing.picks.length) drawn.push(finder());
    return drawn;
  }
}

// For those who cannot select: the words are typed and found. Line breaks and kinds of quotation marks do not matter.
function finder() {
  const input = make("input", { id: "fix-words", dir: "auto", autocomplete: "off", maxLength: 4000, enterKeyHint: "search" });
  const form = make("form", {},
    make("label", { htmlFor: "fix-words", textContent: "Or type them" }), input,
    make("button", { className: "sw-button", type: "submit", textContent: "Find" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const words = input.value.trim().split(/\s+/).filter(Boolean).map((word) =>
      word.replace(/[.*+?^{}$()|[\]\\]/g, "\\$&").replace(/['‘’]/g, "['‘’]").replace(/["“”„«»]/g, '["“”„«»]'));
    if (!words.length) return;
    fixing.found = [...shown.text.matchAll(new RegExp(words.join("\\s+"), "giu"))]
      .map((match) => ({ start: match.index, end: match.index + match[0].length }));
    if (fixing.found.length) pick(fixing.found[0], true);
    else {
      fixing.said = "These words do not stand in the article like this.";
      const typed = input.value;
      drawFix();
      const again = one("#fix-words");
      again.value = typed;
      again.focus();
      say(fixing.said);
    }
  });
  return form;
}

function pick(place, typed) {
  let { start, end } = place;
  const text = shown.text;
  if (/[\udc00-\udfff]/.test(text[start] ?? "") && start > 0) start -= 1;   // never half a character
  if (/[\ud800-\udbff]/.test(text[end - 1] ?? "") && end < text.length) end += 1;
  const words = text.slice(start, end);
  if (!words.trim()) return;
  start += words.length - words.trimStart().length;
  end -= words.length - words.trimEnd().length;
  const before = fixing.picks[fixing.at];
  if (before && before.start === start && before.end === end) return;
  fixing.picks[fixing.at] = { start, end };
  fixing.said = "";
  if (!typed) fixing.found = [];
  drawFix();
  if (!typed) return;
  const range = rangeOf(start, end);
  if (range) {
    const [words, frame] = [range.getBoundingClientRect(), page.getBoundingClientRect()];
    page.scrollBy({ top: words.top - frame.top - Math.max(0, frame.height - words.height) / 2, behavior: still.matches ? "instant" : "smooth" });
  }
  one(".is-main", strip).focus({ preventScroll: true });
  say("Found in the article: " + text.slice(start, end));
}

// A range's text is the document's: badges hold none, and every character stands in a text node.
function unitsBefore(node, offset) {
  const range = document.createRange();
  range.selectNodeContents(page);
  range.setEnd(node, offset);
  return range.toString().length;
}

function rangeOf(start, end) {
  const range = document.createRange(), walk = document.createTreeWalker(page, NodeFilter.SHOW_TEXT);
  let before = 0, begun = false;
  for (let node = walk.nextNode(); node; before += node.data.length, node = walk.nextNode()) {
    if (!begun && start < before + node.data.length) {
      range.setStart(node, start - before);
      begun = true;
    }
    if (begun && end <= before + node.data.length) {
      range.setEnd(node, end - before);
      return range;
    }
  }
  return null;
}

function showPicked() {
  if (!globalThis.CSS?.highlights) return;   // the browser's own selection shows the last one
  const ranges = (fixing?.picks ?? []).map(({ start, end }) => rangeOf(start, end)).filter(Boolean);
  if (ranges.length) CSS.highlights.set("sw-picked", new Highlight(...ranges));
  else CSS.highlights.delete("sw-picked");
}

let waiting = 0;
function onSelection() {
  clearTimeout(waiting);
  if (fixing && !pressed) waiting = setTimeout(takeSelection, 120);
}

function takeSelection() {
  const selection = getSelection();
  if (!fixing || fixing.saved || shown.refusal || selection.isCollapsed || !selection.rangeCount) return;
  const range = selection.getRangeAt(0).cloneRange();
  if (!range.intersectsNode(page)) return;
  if (!page.contains(range.startContainer)) range.setStart(page, 0);
  if (!page.contains(range.endContainer)) range.setEnd(page, page.childNodes.length);
  pick({ start: unitsBefore(range.startContainer, range.startOffset), end: unitsBefore(range.endContainer, range.endOffset) }, false);
}

function save(picks) {
  const codes = (offset) => [...shown.text.slice(0, offset)].length;
  const places = picks && picks.map(({ start, end }) => ({ start: codes(start), end: codes(end), text: shown.text.slice(start, end) }));
  presses += 1;
  fixing.press = presses;
  for (const button of every("button", strip)) if (button.classList.contains("is-main") || !picks) button.setAttribute("aria-disabled", "true");
  trigger("correct", { ticket: fixing.ticket, document: shown.id, places, press: presses });
}

function onFixed() {
  const fixed = props[FIXED];
  if (!fixing || !fixed || fixed.press !== fixing.press) return;
  fixing.press = 0;
  fixing.saved = fixed.said === "";
  fixing.said = fixed.said;
  if (fixing.saved) fixing.picks = [];
  drawFix();
  strip.focus({ preventScroll: true });
  say(fixing.saved ? "Saved as a test question." : fixing.said);
}

async function copy(words, done) {
  try {
    await navigator.clipboard.writeText(words);
  } catch {   // no permission, or a plain http address
    const area = make("textarea", { value: words, className: "sw-vh" });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(done);
}

function press(button, words, done) {
  copy(words, done);
  const label = button.textContent;
  button.textContent = done;
  setTimeout(() => { if (button.textContent === done) button.textContent = label; }, 2000);
  button.focus();
}

// One listener for the whole page: chips and buttons in messages come and go with every answer.
function onClick(event) {
  const target = event.target.closest?.("a, button");
  if (!target) return;
  if (target.closest(".example, .dock button") && !matchMedia("(pointer: coarse)").matches) {
    document.querySelector(".dock textarea")?.focus();   // these buttons go away when pressed
  }
  const link = target.tagName === "A" ? target.getAttribute("href") ?? "" : "";
  const [kind, number] = (target.id || "").split("-");
  if (/^#(cite|near)-\d+$/.test(link)) {
    event.preventDefault();
    go(link.slice(1));
  } else if (/^#chip-\d+$/.test(link)) {
    event.preventDefault();
    back(link.slice(1));
  } else if (target.classList.contains("peek")) {
    raise();
    page.focus({ preventScroll: true });
  } else if (target.classList.contains("close")) lower();
  else if (kind === "fix") {
    const turn = turns.find((each) => each.turn === Number(number));
    if (turn && fixing?.ticket !== turn.ticket) openFix(turn);
    else if (fixing) strip.focus({ preventScroll: true });
  } else if (target.id === "again") document.querySelector(".dock .submit-button")?.click();
  else if (kind === "copy" || kind === "link") {
    const turn = turns.find((each) => each.turn === Number(number));
    if (!turn) return;
    const link = new URL(location.pathname, location.origin);
    link.searchParams.set("q", turn.ask);
    if (kind === "copy") press(target, turn.copy, "Copied");
    else press(target, link.href, "Link copied");
  } else if (target.closest(".over, .shut") && location.search.includes("q=")) {
    const rest = new URL(location.href);   // starting over is not asking the link's question again
    rest.searchParams.delete("q");
    history.replaceState(history.state, "", rest);
  }
}

function onKey(event) {
  if (event.key !== "Escape") return;
  if (fixing && element.contains(document.activeElement)) closeFix();
  else if (source.classList.contains("is-open")) lower();
  else if (page.contains(document.activeElement) && active.startsWith("cite-")) back("chip-" + active.slice(5));
}

// ── The conversation, where gradio's own markup needs a word ───────────────────────────────────────────────────────

let asked = "";
function tidy() {
  const log = document.querySelector('.turns [role="log"]');
  if (log) {
    log.tabIndex = 0;
    if (log.getAttribute("aria-label") !== "Conversation") log.setAttribute("aria-label", "Conversation");
    for (const node of every("[data-testid][aria-label]", log)) node.removeAttribute("aria-label");   // held raw markup
    for (const node of every('[role="complementary"], [role="list"]', log)) node.removeAttribute("role");
    for (const node of every(".example[aria-label]", log)) node.removeAttribute("aria-label");   // its text says it
    const questions = every(".user-row", log);
    const cards = every(".bot-row .sw-card", log);
    const count = questions.length + " " + cards.length + " " + (cards.at(-1)?.id ?? "");
    if (count !== asked) {
      asked = count;
      const last = questions.at(-1);
      // The newest question goes to the top, so that its answer can be read from its start.
      if (last) log.scrollTo({ top: last.offsetTop - log.offsetTop - 8, behavior: still.matches ? "auto" : "smooth" });
    }
  }
  const box = document.querySelector(".dock textarea");
  if (box && box.dir !== "auto") box.dir = "auto";
  dress();
}

function onDocument() {
  if (!props.value) return;
  const { go: name, ...rest } = props.value;
  const key = JSON.stringify(rest);
  if (!shown || key !== shown.key) {
    shown = { ...rest, key };
    unit = unitsOf(shown.text);
    active = "";
    drawDocument();
    page.scrollTop = 0;
    if (fixing) Object.assign(fixing, { picks: [], at: 0, found: [], said: "" });   // its words may be in this one
  }
  drawMarks();
  if (fixing) drawFix();
  if (name) go(name);
}

function onMarks() {
  const before = turns.length;
  turns = props[MARKS] ?? [];
  if (turns.length !== before) {
    hand = turns.at(-1)?.turn ?? 0;
    active = "";
  }
  if (fixing && (turns.length > before || !turns.some(({ ticket }) => ticket === fixing.ticket))) closeFix(false);
  drawMarks();
  showPicked();
  const newest = turns.at(-1);
  if (turns.length <= before || phone.matches || !newest) return;
  const first = newest.cites.map(({ n }) => one('[data-places~="cite-' + n + '"]', page)).find(Boolean);
  if (!first) return;
  const [seen, frame] = [first.getBoundingClientRect(), page.getBoundingClientRect()];
  if (seen.top < frame.top || seen.bottom > frame.bottom) scroll(first, "center");
}

const [MARKS, FIXED] = Object.keys({ marks: 0, fixed: 0 });   // unquoted: gradio takes every quoted word in here for an event's name
document.addEventListener("click", onClick);
document.addEventListener("keydown", onKey);
document.addEventListener("selectionchange", onSelection);
document.addEventListener("pointerdown", () => { pressed = true; });
for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => { pressed = false; onSelection(); });
addEventListener("popstate", () => { if (!history.state?.sheet) lower(); });
new MutationObserver(tidy).observe(document.querySelector(".talk") ?? document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["aria-label"] });
watch("value", onDocument);
watch(MARKS, onMarks);
watch(FIXED, onFixed);
onDocument();
onMarks();
tidy();
const question = new URLSearchParams(location.search).get("q");
if (question?.trim()) setTimeout(() => trigger("ask", { question }));   // a link that asks
