// <span-wise>: ask an article a question, get its own words back, and see them lit in the page.
// One ES module without dependencies: load it with <script type="module" src="https://server/widget/spanwise.js">.
//
// Attributes  server    where the answers come from; left out: the server this file was loaded from
//             for       a selector of the article on this page in which citations are lit
//             floating  a button in the corner that opens a panel, instead of a box in the flow
//             lang, heading, theme ("light", "dark", "system"), documents (ids to ask), source ("https://…/{source}")
// Properties  labels    words that replace the widget's own, by name (see WORDS)
// Methods     ask(question) -> promise of the answer, null where there is none;  reset();  show();  close()
// Events      spanwise:answer {answer}, spanwise:cite {citation, placed}, spanwise:error {kind, message, status}
// Styling     --spanwise-accent, -on-accent, -serif, -sans, -radius; parts box, heading, form, input, button, answer, pill
//
// Every word of a question, a document or a server is set as text, never as markup. Nothing is inserted into the page:
// the article is lit with the CSS Custom Highlight API. The one server is the only host that is ever asked.

// ── Words ──────────────────────────────────────────────────────────────────

const WORDS = {
  en: {
    heading: "Ask this article", question: "Your question", label: "Your question about this article",
    ask: "Ask", stop: "Stop", close: "Close", again: "Try again", over: "Start over", answer: "Answer",
    reading: "Reading the article…", stopped: "Stopped",
    as: "Understood as:", sure: ["Almost certain", "Very likely", "Likely", "Unsure"],
    none: "The document does not say.", nearest: "Nearest passage", show: "Show on this page", open: "Open the source",
    retrieval: "Nothing in it has to do with this question.",
    reader: "It was read, and no words in it answer this.",
    threshold: "The likeliest words are too unsure to stand as an answer.",
    cite: "Show citation {n}", here: "Citation {n}, in the article",
    lost: "Not lit on this page, where these words do not stand as they do in {title}: {n}.",
    twice: "Not lit, because these words stand on this page more than once: {n}.",
    empty: "Type a question first.",
    offline: "You are offline", kept: "{why}; your question is still in the box.",
    unreachable: "The answer service is out of reach, or does not answer this site",
    slow: "The answer service took too long",
    busy: "Many questions came just now; you can ask again in {n} seconds.", ready: "You can ask again now.", wait: "Wait {n} s",
    wrong: "What answered is not the answer service; the owner of this page should check its address.",
    failed: "The answer service could not answer ({n})",
    by: "Exact quotations, by",
  },
  ko: {
    heading: "이 글에 질문하기", question: "질문을 입력하세요", label: "이 글에 대한 질문",
    ask: "묻기", stop: "중지", close: "닫기", again: "다시 시도", over: "처음부터", answer: "답변",
    reading: "글을 읽는 중…", stopped: "중지했습니다",
    as: "다음과 같이 이해했습니다:", sure: ["거의 확실함", "매우 유력함", "유력함", "불확실함"],
    none: "문서에 나와 있지 않습니다.", nearest: "가장 가까운 구절", show: "이 페이지에서 보기", open: "원문 열기",
    retrieval: "문서에 이 질문과 관련된 내용이 없습니다.",
    reader: "문서를 읽었지만 답이 되는 구절이 없습니다.",
    threshold: "가장 유력한 구절도 답으로 보이기에는 불확실합니다.",
    cite: "인용 {n} 보기", here: "인용 {n}, 글에 표시됨",
    lost: "이 페이지의 글이 {title}의 원문과 달라 표시하지 않은 인용: {n}.",
    twice: "같은 구절이 이 페이지에 여러 번 나와 표시하지 않은 인용: {n}.",
    empty: "먼저 질문을 입력하세요.",
    offline: "인터넷에 연결되어 있지 않습니다", kept: "{why}. 질문은 입력란에 남아 있습니다.",
    unreachable: "답변 서비스에 연결할 수 없거나 이 사이트가 허용되지 않았습니다",
    slow: "답변이 너무 오래 걸립니다",
    busy: "방금 질문이 많았습니다. {n}초 뒤에 다시 물을 수 있습니다.", ready: "이제 다시 물을 수 있습니다.", wait: "{n}초 대기",
    wrong: "응답한 곳이 답변 서비스가 아닙니다. 이 페이지의 운영자가 주소를 확인해야 합니다.",
    failed: "답변 서비스가 답하지 못했습니다({n})",
    by: "원문 그대로의 인용:",
  },
  ru: {
    heading: "Спросить у статьи", question: "Ваш вопрос", label: "Ваш вопрос по этой статье",
    ask: "Спросить", stop: "Стоп", close: "Закрыть", again: "Повторить", over: "Начать заново", answer: "Ответ",
    reading: "Читаю статью…", stopped: "Остановлено",
    as: "Понято как:", sure: ["Почти наверняка", "Очень вероятно", "Вероятно", "Не уверенно"],
    none: "В документе об этом не сказано.", nearest: "Ближайшее место", show: "Показать на странице", open: "Открыть источник",
    retrieval: "В нём нет ничего, что относится к этому вопросу.",
    reader: "Он прочитан, но слов с ответом в нём нет.",
    threshold: "Самые вероятные слова слишком ненадёжны для ответа.",
    cite: "Показать цитату {n}", here: "Цитата {n}, в статье",
    lost: "Не выделены, потому что на этой странице текст не такой, как в {title}: {n}.",
    twice: "Не выделены, потому что эти слова стоят на странице несколько раз: {n}.",
    empty: "Сначала введите вопрос.",
    offline: "Нет подключения к сети", kept: "{why}; вопрос остался в поле.",
    unreachable: "Служба ответов недоступна или не отвечает этому сайту",
    slow: "Служба ответов не ответила вовремя",
    busy: "Сейчас много вопросов; спросить снова можно через {n} с.", ready: "Теперь можно спросить снова.", wait: "Ждите {n} с",
    wrong: "Ответила не служба ответов; владельцу страницы нужно проверить её адрес.",
    failed: "Служба ответов не смогла ответить ({n})",
    by: "Дословные цитаты:",
  },
  ar: {
    dir: "rtl",
    heading: "اسأل هذا المقال", question: "سؤالك", label: "سؤالك عن هذا المقال",
    ask: "اسأل", stop: "إيقاف", close: "إغلاق", again: "حاول مرة أخرى", over: "ابدأ من جديد", answer: "الإجابة",
    reading: "جارٍ قراءة المقال…", stopped: "تم الإيقاف",
    as: "فُهم السؤال هكذا:", sure: ["شبه مؤكد", "مرجّح جدًا", "مرجّح", "غير مؤكد"],
    none: "لا يذكر المستند ذلك.", nearest: "أقرب مقطع", show: "أظهره في هذه الصفحة", open: "افتح المصدر",
    retrieval: "لا شيء فيه يتعلق بهذا السؤال.",
    reader: "قُرئ المستند، ولا كلمات فيه تجيب عن السؤال.",
    threshold: "أرجح الكلمات غير مؤكدة بما يكفي لتكون إجابة.",
    cite: "أظهر الاقتباس {n}", here: "الاقتباس {n} في المقال",
    lost: "لم تُبرَز لأن الكلمات في هذه الصفحة ليست كما في {title}: {n}.",
    twice: "لم تُبرَز لأن هذه الكلمات ترد في الصفحة أكثر من مرة: {n}.",
    empty: "اكتب سؤالًا أولًا.",
    offline: "أنت غير متصل بالإنترنت", kept: "{why}؛ سؤالك ما زال في الحقل.",
    unreachable: "لا يمكن الوصول إلى خدمة الإجابة أو أنها لا تجيب هذا الموقع",
    slow: "استغرقت خدمة الإجابة وقتًا طويلًا",
    busy: "وردت أسئلة كثيرة الآن؛ يمكنك السؤال مجددًا بعد {n} ثانية.", ready: "يمكنك السؤال مجددًا الآن.", wait: "انتظر {n} ث",
    wrong: "من أجاب ليس خدمة الإجابة؛ على صاحب الصفحة التحقق من عنوانها.",
    failed: "لم تستطع خدمة الإجابة أن تجيب ({n})",
    by: "اقتباسات حرفية، من",
  },
};

const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);

// ── The citation's place in the page ───────────────────────────────────────

// What may differ between the document and the page: white space, and characters that are not seen.
const UNSEEN = /[\u00ad\u200b\u2060\ufeff]/g;
const SOLID = /[^\s\x1c-\x1f\x85\u00ad\u200b\u2060\ufeff]+/g;
const tidy = (text) => text.replace(UNSEEN, "").replace(/[\s\x1c-\x1f\x85]+/g, " ");
const ELSEWHERE = "script,style,noscript,template,textarea,select,iframe,object,svg,span-wise";
const LONGEST = 2_000_000; // characters of a page that are looked through

/** The text of an element as it is read, runs of white space and edges of blocks being one space, and where each
 *  UTF-16 unit of it stands: `text[i]` is `nodes[i].data[offsets[i]]`. */
function viewOf(root) {
  let text = "", gap = false;
  const nodes = [], offsets = [];
  const put = (part, node, at) => {
    text += part;
    for (let k = 0; k < part.length; k++) nodes.push(node), offsets.push(at + k);
  };
  const visit = (node) => {
    if (text.length > LONGEST) return;
    if (node.nodeType === Node.TEXT_NODE) {
      let end = 0;
      for (const { 0: part, index } of node.data.matchAll(SOLID)) {
        if (/[^\u00ad\u200b\u2060\ufeff]/.test(node.data.slice(end, index))) gap = true;
        if (gap && text) put(" ", node, index);
        gap = false;
        put(part, node, index);
        end = index + part.length;
      }
      if (/[^\u00ad\u200b\u2060\ufeff]/.test(node.data.slice(end))) gap = true;
    } else if (node.nodeType === Node.ELEMENT_NODE && !node.matches(ELSEWHERE)) {
      const { display } = getComputedStyle(node);
      if (display === "none") return;
      const apart = node.matches("br,hr") || !/^(inline|contents|ruby)/.test(display);
      gap ||= apart;
      node.childNodes.forEach(visit);
      gap ||= apart;
    }
  };
  visit(root);
  return { text, nodes, offsets };
}

/** Where a citation stands in a view: `[start, end]` in it, or why it is not lit, "lost" or "twice".
 *
 *  The words must stand there with what is before and after them. Where they do so more than once, the one at the
 *  citation's own position is meant (counted in code points that are not white space), else the only one with the
 *  whole sentence around it. Nothing is guessed: no nearest match, no first of several. */
function place(view, citation) {
  const { text } = view;
  const quote = tidy(citation.quote).trim();
  const [left, right] = [tidy(citation.prefix).trimStart(), tidy(citation.suffix).trimEnd()];
  const sentence = around(citation).map(tidy);
  const [lead, trail] = [sentence[0].trimStart(), sentence[1].trimEnd()];
  const word = (at) => /[\p{L}\p{N}\p{M}]/u.test(String.fromCodePoint(text.codePointAt(at) ?? 32));
  const inside = (at) => at > 0 && word(at) && word(/[\udc00-\udfff]/.test(text[at - 1]) ? at - 2 : at - 1);
  const find = (before, after) => {
    const found = [], needle = before + quote + after;
    for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
      const start = at + before.length;
      if ((before || !inside(start)) && (after || !inside(start + quote.length))) found.push(start);
    }
    return found;
  };
  const position = (at) => [...text.slice(0, at).replaceAll(" ", "")].length;
  if (!quote) return "lost";
  let found = find(left, right);
  if (!found.length && (lead || trail)) {
    // Something else stands between two paragraphs of this page: one side and the whole sentence must do.
    found = find(lead, trail).filter(
      (at) => (left && text.startsWith(left, at - left.length)) || (right && text.startsWith(right, at + quote.length)),
    );
  }
  if (found.length > 1) {
    const whole = find(lead, trail);
    const sure = [found.filter((at) => position(at) === citation.solid_start), found.filter((at) => whole.includes(at))];
    found = sure.find((one) => one.length === 1) ?? found;
  }
  if (found.length !== 1) return found.length ? "twice" : "lost";
  return [found[0], found[0] + quote.length];
}

/** The words of the citation's sentence before and after its quote; empty where the sentence does not hold it. */
function around({ sentence, quote, start, sentence_start }) {
  const characters = [...(sentence ?? "")], size = [...quote].length, at = start - sentence_start;
  if (characters.slice(at, at + size).join("") !== quote) return ["", ""];
  return [characters.slice(0, at).join(""), characters.slice(at + size).join("")];
}

function rangeOf({ nodes, offsets }, [start, end]) {
  const range = new Range();
  range.setStart(nodes[start], offsets[start]);
  range.setEnd(nodes[end - 1], offsets[end - 1] + 1);
  return range;
}

/** The part of an address that makes a browser light the words on another page (text fragments). */
function fragment({ prefix, quote, suffix }) {
  const escaped = (text) => encodeURIComponent(text.trim().replace(/\s+/g, " ")).replaceAll("-", "%2D");
  const before = escaped(prefix.split(/[\n\r]/).pop().replace(/^\S*\s?/, ""));
  const after = escaped(suffix.split(/[\n\r]/)[0].replace(/\s?\S*$/, ""));
  const words = quote.trim().split(/\s+/);
  const long = words.length > 12 || /[\n\r]/.test(quote.trim());
  const middle = long ? `${escaped(words.slice(0, 4).join(" "))},${escaped(words.slice(-4).join(" "))}` : escaped(quote);
  return `#:~:text=${before && `${before}-,`}${middle}${after && `,-${after}`}`;
}

// ── Light in the page ──────────────────────────────────────────────────────

const LIGHTS = ["near", "cited", "hand", "now"]; // the later lies over the earlier
const lit = new Map(); // widget -> { cited: [Range], … }
const lamp = new CSSStyleSheet();
const [RULE, BAND, NOW, ON] = ["#946100, #f4bd45", "#ffe28f, #5d470b", "#ffc63d, #7d5d0a", "#141e21, #fff6e0"].map((pair) => `light-dark(${pair})`);
lamp.replaceSync(`
::highlight(spanwise-near) { text-decoration: underline dashed 1px light-dark(#74858b, #74878d); }
::highlight(spanwise-cited) { text-decoration: underline 1px ${RULE}; }
::highlight(spanwise-hand) { color: ${ON}; background-color: ${BAND}; text-decoration: underline 1px ${RULE}; }
::highlight(spanwise-now) { color: ${ON}; background-color: ${NOW}; text-decoration: underline 3px ${RULE}; }
@media (forced-colors: active) { ::highlight(spanwise-hand), ::highlight(spanwise-now) { color: MarkText; background-color: Mark; } }`);

function shine(article) {
  if (!globalThis.CSS?.highlights) return;
  const root = article?.getRootNode();
  if (root?.adoptedStyleSheets && !root.adoptedStyleSheets.includes(lamp)) {
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, lamp];
  }
  LIGHTS.forEach((name, priority) => {
    const ranges = [...lit.values()].flatMap((lights) => lights[name] ?? []);
    const highlight = new Highlight(...ranges);
    highlight.priority = priority;
    if (ranges.length) CSS.highlights.set(`spanwise-${name}`, highlight);
    else CSS.highlights.delete(`spanwise-${name}`);
  });
}

/** Bring a range into the middle of what is seen of the page, above `floor`, in every box that scrolls. */
function bring(range, floor) {
  for (let box = range.startContainer.parentElement; box && box !== document.body; box = box.parentElement) {
    if (box.scrollHeight > box.clientHeight && /auto|scroll/.test(getComputedStyle(box).overflowY)) {
      const [seen, frame] = [range.getBoundingClientRect(), box.getBoundingClientRect()];
      if (box !== document.documentElement) box.scrollTop += seen.top - frame.top - (box.clientHeight - seen.height) / 2;
    }
  }
  const seen = range.getBoundingClientRect();
  const top = Math.max(16, (floor - seen.height) / 2);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  scrollBy({ top: seen.top - top, behavior: still ? "instant" : "smooth" });
}

// ── The answer service ─────────────────────────────────────────────────────

const PATIENCE = 90_000; // milliseconds; a question waits its turn behind others

class Trouble extends Error {
  constructor(kind, { status, wait, detail, cause } = {}) {
    super(kind, { cause });
    Object.assign(this, { kind, status, wait, detail });
  }
}

async function request(server, question, history, documents, signal) {
  let response, body;
  const asked = { question, history, ...(documents.length && { document_ids: documents }) };
  try {
    response = await fetch(new URL("api/v1/ask", server), {
      method: "POST", mode: "cors", credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer", signal,
      headers: { "content-type": "application/json", accept: "application/json" }, body: JSON.stringify(asked),
    });
    body = /\bjson\b/.test(response.headers.get("content-type") ?? "") ? await response.text() : null;
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw new Trouble(navigator.onLine === false ? "offline" : "unreachable", { cause });
  }
  const { status } = response;
  let given = null;
  try {
    given = JSON.parse(body);
  } catch {
    // not JSON: told apart below
  }
  if (status === 429 || status === 503) {
    const wait = Math.ceil(Number(response.headers.get("retry-after") ?? given?.retry_after)) || 10;
    throw new Trouble("busy", { status, wait: Math.min(Math.max(wait, 1), 3600) });
  }
  if (given === null && (status === 502 || status === 504)) throw new Trouble("unreachable", { status });
  if (given === null || (response.ok && !isAnswer(given))) throw new Trouble("wrong", { status });
  if (!response.ok) throw new Trouble("failed", { status, detail: typeof given.detail === "string" ? given.detail : "" });
  return given;
}

const isCitation = (c) =>
  typeof c === "object" && c !== null && Number.isInteger(c.start) && Number.isInteger(c.sentence_start) &&
  [c.quote, c.prefix, c.suffix, c.title, c.source].every((text) => typeof text === "string");

/** Whether this is an answer of the service and nothing else that happens to be JSON. */
function isAnswer(given) {
  if (typeof given !== "object" || typeof given.abstained !== "boolean" || !Number.isFinite(given.confidence)) return false;
  if (!Array.isArray(given.items) || !Array.isArray(given.citations) || !given.citations.every(isCitation)) return false;
  const numbers = new Set(given.citations.map((citation) => citation.number));
  return given.items.every((item) => numbers.has(item?.citation)) && (!given.nearest || isCitation(given.nearest));
}

// ── How it looks ───────────────────────────────────────────────────────────

// Sizes are in rem here and become px by the reader's own medium size: pages set their root to whatever they like.
// `all` also resets color-scheme: it is taken back from the page, or the widget would always be light.
const STYLE = `
:host { display: block; }
:host([hidden]) { display: none; }
.root, .margin { all: initial; color-scheme: inherit;
  --card: light-dark(#ffffff, #182125); --line: light-dark(#d3dadc, #2b383c); --line-strong: light-dark(#74858b, #74878d);
  --ink: light-dark(#141e21, #e6eced); --ink-2: light-dark(#404f55, #b6c3c7); --ink-3: light-dark(#56656b, #97a7ac);
  --accent: var(--spanwise-accent, light-dark(#0b5567, #82ccda)); --accent-deep: var(--spanwise-accent, light-dark(#073d4b, #b0e3ec));
  --accent-tint: light-dark(#dbeaed, #173840); --on-accent: var(--spanwise-on-accent, light-dark(#ffffff, #05222a));
  --lit: ${BAND}; --lit-line: ${RULE}; --on-lit: ${ON};
  --serif: var(--spanwise-serif, Charter, "Bitstream Charter", "Iowan Old Style", "Charis SIL", Georgia, "Noto Serif", serif);
  --sans: var(--spanwise-sans, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif);
  --ui: 400 .9375rem/1.5 var(--sans); --small: 400 .8125rem/1.5 var(--sans); --micro: 500 .75rem/1.35 var(--sans);
  --shadow: 0 -1px 0 light-dark(rgb(20 30 33 / .06), rgb(255 255 255 / .06)), 0 8px 40px light-dark(rgb(20 30 33 / .18), rgb(0 0 0 / .6)); }
.root { display: block; font: var(--ui); color: var(--ink); text-align: start; }
.root[dir=rtl] { direction: rtl; }
:host([theme=light]) :is(.root, .margin) { color-scheme: light; }
:host([theme=dark]) :is(.root, .margin) { color-scheme: dark; }
:host([theme=system]) :is(.root, .margin) { color-scheme: light dark; }
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
p, h2, h3, ol, form { margin: 0; padding: 0; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: .25rem; }
.vh { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.box { position: relative; overflow: clip; border: 1px solid var(--line); border-radius: var(--spanwise-radius, .875rem); background: var(--card); }
.top { display: flex; align-items: center; gap: .5rem; min-block-size: 3rem; padding-inline: 1.25rem .25rem; }
h2 { margin-inline-end: auto; font: 600 1.0625rem/1.4 var(--sans); }
svg { flex: none; inline-size: 1.25rem; block-size: 1.25rem; }
.top svg { color: var(--accent); }
.field { padding-inline: 1.25rem; }
form { display: flex; align-items: end; gap: .5rem; padding: .3125rem; border: 1px solid var(--line-strong); border-radius: .875rem; }
form:focus-within { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
input { flex: 1; min-inline-size: 0; min-block-size: 2.5rem; padding: .5rem .75rem; border: 0; outline: 0; background: none; color: inherit; font: 400 1rem/1.5 var(--sans); }
::placeholder { color: var(--ink-3); opacity: 1; }
.button { display: inline-flex; align-items: center; justify-content: center; min-block-size: 2.5rem; padding: .25rem 1rem; border: 1px solid var(--line-strong); border-radius: .5rem; background: none; color: var(--accent); font: 550 .9375rem/1.5 var(--sans); text-decoration: none; cursor: pointer; transition: background-color 160ms, border-color 160ms; }
.button:hover { border-color: var(--accent); background: var(--accent-tint); color: var(--accent-deep); }
.main { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
.main:hover { border-color: var(--accent-deep); background: var(--accent-deep); color: var(--on-accent); }
.plain { padding-inline: .5rem; border-color: transparent; font-size: .8125rem; }
.plain:hover { border-color: transparent; }
.top .plain { font-size: .9375rem; }
.button:disabled { border-color: var(--line); background: none; color: var(--ink-3); cursor: default; }
.said { padding-inline: 1.25rem; }
.turn { padding-block: 1rem .25rem; overflow-wrap: anywhere; }
.turn + .turn { border-block-start: 1px solid var(--line-strong); }
.question { padding-block-end: .5rem; font: 600 .9375rem/1.5 var(--sans); }
.as { padding-block-end: .5rem; font: var(--small); color: var(--ink-2); }
.as b { font-weight: 550; color: var(--ink); }
ol { list-style: none; }
li { display: grid; grid-template-columns: auto 1fr; column-gap: 1rem; align-items: start; padding-block: .25rem; }
q { font: 400 1.0625rem/1.4 var(--serif); text-indent: -.42em; padding-block: .125rem; quotes: "“" "”" "‘" "’"; }
q::before { content: open-quote; color: var(--ink-3); }
q::after { content: close-quote; color: var(--ink-3); }
.context { grid-column: 2; padding-block: 2px .5rem; font: 400 .90625rem/1.55 var(--serif); color: var(--ink-2); text-wrap: pretty; }
.context b { font-weight: inherit; color: var(--on-lit); background: linear-gradient(var(--lit), var(--lit)) 0 52% / 100% 1.3em no-repeat; text-decoration: underline 1px var(--lit-line); text-underline-offset: .2em; text-decoration-skip-ink: none; -webkit-box-decoration-break: clone; box-decoration-break: clone; }
.chip { position: relative; display: inline-grid; place-items: center; min-inline-size: 1.75rem; block-size: 1.75rem; padding: 1px .375rem 0; border: 1px solid transparent; border-radius: .5rem; background: var(--accent-tint); color: var(--accent); font: 600 .8125rem/1 var(--sans); font-variant-numeric: tabular-nums; text-decoration: none; }
.chip::after { content: ""; position: absolute; inset: -.375rem; }
.chip:is(a):hover { border-color: var(--accent); color: var(--accent-deep); }
.chip.off { background: none; border: 1px dashed var(--line-strong); }
.chip[aria-current] { background: var(--accent); color: var(--on-accent); }
.note { padding-block: .25rem .5rem; font: var(--small); color: var(--ink-2); text-wrap: pretty; }
.foot { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .75rem; min-block-size: 2.75rem; margin-block-start: .5rem; border-block-start: 1px solid var(--line); font: var(--small); color: var(--ink-2); }
.foot .plain { margin-inline-start: -.5rem; }
.ticks { display: inline-flex; gap: 2px; }
.ticks i { inline-size: .5rem; block-size: .3125rem; border: 1px solid var(--line-strong); border-radius: 1px; }
.ticks .full { background: var(--ink-2); border-color: var(--ink-2); }
.says { font: 600 1.0625rem/1.4 var(--sans); }
.says + p { color: var(--ink-2); }
.label { margin-block-start: .75rem; font: var(--micro); color: var(--ink-3); }
.near { display: block; text-indent: 0; line-height: 1.65; color: var(--ink-2); text-decoration: underline dashed 1px var(--line-strong); text-underline-offset: .28em; text-decoration-skip-ink: none; }
.near::before, .near::after { display: inline-block; text-decoration: none; }
.wait { display: grid; gap: .75rem; padding-block: .25rem .75rem; color: var(--ink-2); }
.wait::after { content: ""; block-size: 3px; border-radius: 2px; background: linear-gradient(90deg, var(--line) 0 35%, var(--accent) 50%, var(--line) 65% 100%) 0 0 / 300% 100%; animation: sweep 1.6s linear infinite; }
@keyframes sweep { from { background-position: 100% 0; } to { background-position: 0 0; } }
.by { display: flex; align-items: center; justify-content: space-between; min-block-size: 2.5rem; padding-inline: 1.25rem; font: var(--micro); color: var(--ink-3); }
.by a { display: inline-block; padding-block: .3125rem; color: inherit; text-underline-offset: .2em; }
.by .plain { margin-inline-end: -.5rem; font: var(--micro); }
.margin { position: absolute; font: 600 .6875rem/1.125rem var(--sans); }
.margin i { position: absolute; inline-size: 1.125rem; block-size: 1.125rem; border-radius: .25rem; background: var(--accent-tint); color: var(--accent); font-style: normal; font-variant-numeric: tabular-nums; text-align: center; }
.margin .now { background: var(--accent); color: var(--on-accent); }
:host([floating]) .root { position: fixed; inset: auto 1.25rem 1.25rem auto; z-index: 2147483000; max-inline-size: calc(100vw - 2.5rem); }
:host([floating]) .root[dir=rtl] { inset: auto auto 1.25rem 1.25rem; }
.pill { display: inline-flex; align-items: center; gap: .5rem; min-block-size: 3rem; padding-inline: 1rem 1.25rem; border: 0; border-radius: 1.5rem; background: var(--accent); color: var(--on-accent); font: 600 .9375rem/1.5 var(--sans); box-shadow: var(--shadow); cursor: pointer; }
.pill:hover { background: var(--accent-deep); }
.pill:focus-visible { border-radius: 1.5rem; }
:host([floating]) .box { display: grid; grid-template: auto minmax(0, 1fr) auto auto / minmax(0, 1fr); inline-size: 23rem; max-inline-size: 100%; max-block-size: min(34rem, 80dvh); box-shadow: var(--shadow); }
:host([floating]) .said { order: 1; overflow-y: auto; scrollbar-width: thin; }
:host([floating]) .field { order: 2; padding-block: .75rem 0; border-block-start: 1px solid var(--line); }
:host([floating]) .by { order: 3; }
@media (max-width: 30rem) {
  :host([floating]) .root:has(.box:not([hidden])), :host([floating]) .root[dir=rtl]:has(.box:not([hidden])) { inset: auto 0 0; max-inline-size: none; }
  :host([floating]) .box { inline-size: auto; max-block-size: 62dvh; border-width: 1px 0 0; border-end-start-radius: 0; border-end-end-radius: 0; }
}
@media (pointer: coarse) { li { padding-block: .4375rem; } }
@media (prefers-reduced-motion: reduce) { .wait::after { animation: none; background: var(--line-strong); } .button { transition: none; } }
@media (forced-colors: active) {
  .context b { background: Mark; color: MarkText; forced-color-adjust: none; }
  .chip[aria-current], .margin .now { background: Highlight; color: HighlightText; forced-color-adjust: none; }
  .chip { border: 1px solid LinkText; }
  .ticks .full { background: CanvasText; forced-color-adjust: none; }
}
@media print { :host([floating]) { display: none; } }
`;

let sheet = null;

function sheetFor(shadow) {
  if (sheet === null) {
    const probe = shadow.appendChild(document.createElement("span"));
    probe.style.fontSize = "medium";
    const medium = Number.parseFloat(getComputedStyle(probe).fontSize) || 16;
    probe.remove();
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE.replace(/([\d.]+)rem\b/g, (_, size) => `${size * medium}px`));
  }
  return sheet;
}

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && name !== "part") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function mark() {
  const shape = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const svg = shape("svg", { viewBox: "0 0 22 22", "aria-hidden": "true", fill: "currentColor" });
  svg.append(
    shape("path", { d: "M4 5h14v12H4z", opacity: ".2" }),
    shape("path", { d: "M4 5v12M18 5v12", stroke: "currentColor", "stroke-width": "2" }),
    shape("circle", { cx: "4", cy: "3.5", r: "2.5" }),
    shape("circle", { cx: "18", cy: "18.5", r: "2.5" }),
  );
  return svg;
}

// ── The element ────────────────────────────────────────────────────────────

const REMEMBERED = 8; // earlier questions that a follow-up may lean on
const LEAST_PAUSE = 150; // milliseconds between a change of the page and looking for citations again
const SHARE = 20; // looking again takes at most a twentieth of the time: slow pages are looked at less often

class SpanWise extends HTMLElement {
  static observedAttributes = ["floating", "lang", "heading", "for", "server"];
  #shadow = this.attachShadow({ mode: "open" });
  #labels = {};
  #turns = []; // { question, answer, first, places, element, lights }
  #asking = null; // what stops the question in the works
  #hand = null; // the turn whose citations are banded
  #now = null; // the citation last pressed
  #next = 1; // numbers run through the conversation and are never used twice
  #watch = null;
  #pause = 0;
  #ticking = 0;
  #parts = {};

  connectedCallback() {
    if (this.#shadow.adoptedStyleSheets.length === 0) this.#shadow.adoptedStyleSheets = [sheetFor(this.#shadow)];
    this.#draw();
    addEventListener("resize", this.#number);
  }

  disconnectedCallback() {
    this.#watch?.disconnect();
    this.#watch = null;
    clearTimeout(this.#pause);
    removeEventListener("resize", this.#number);
    lit.delete(this);
    shine();
  }

  attributeChangedCallback() {
    if (this.isConnected && this.#parts.root) this.#draw();
  }

  get labels() {
    return this.#labels;
  }

  set labels(words) {
    this.#labels = { ...words };
    this.attributeChangedCallback();
  }

  /** Ask as if it had been typed; gives the answer, or null where there is none and an event says why. */
  async ask(question) {
    this.#parts.input.value = question;
    return this.#submit();
  }

  /** Forget the conversation. */
  reset() {
    this.#asking?.abort();
    this.#unlock();
    this.#turns = [];
    this.#hand = this.#now = null;
    this.#next = 1;
    this.#parts.said.replaceChildren();
    this.#parts.input.value = "";
    this.#parts.over.hidden = true;
    this.#announce("");
    this.#light();
  }

  show() {
    this.#open(true);
  }

  close() {
    this.#open(false);
  }

  get #words() {
    const language = (this.lang || this.closest("[lang]")?.lang || document.documentElement.lang).slice(0, 2).toLowerCase();
    const words = { ...(WORDS[language] ?? WORDS.en), ...this.#labels };
    const known = WORDS[language] ? language : "en";
    return { language: known, dir: "ltr", ...words, heading: this.getAttribute("heading") || words.heading };
  }

  get #server() {
    const given = this.getAttribute("server");
    try {
      return given === null ? new URL("..", import.meta.url) : new URL(given.replace(/\/*$/, "/"), document.baseURI);
    } catch {
      return null;
    }
  }

  /** The frame around the conversation. Drawn again when a language or form is changed; what was said is kept. */
  #draw() {
    const words = this.#words;
    const { input: old, said: log, box: before } = this.#parts;
    const floating = this.hasAttribute("floating");
    const input = make("input", {
      id: "q", autocomplete: "off", enterKeyHint: "send", dir: "auto", placeholder: words.question, part: "input", value: old?.value ?? "",
    });
    const button = make("button", { type: "submit", className: "button main", part: "button" }, words.ask);
    const form = make("form", { part: "form" }, make("label", { htmlFor: "q", className: "vh" }, words.label), input, button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#asking) this.#asking.abort(new Trouble("stopped"));
      else this.#submit();
    });
    const said = log ?? make("div", { className: "said", role: "log", part: "answer", tabIndex: -1 });
    said.setAttribute("aria-label", words.answer);
    const shut = make("button", { type: "button", className: "button plain" }, words.close);
    shut.addEventListener("click", () => this.#open(false));
    const top = make("header", { className: "top", part: "heading" }, mark(), make("h2", { id: "h" }, words.heading), ...(floating ? [shut] : []));
    const over = make("button", { type: "button", className: "button plain", hidden: this.#turns.length === 0 }, words.over);
    over.addEventListener("click", () => (this.reset(), input.focus()));
    const name = make("a", { href: this.#server?.href ?? "#", target: "_blank", rel: "noopener" }, "Spanwise");
    const by = make("div", { className: "by" }, make("span", {}, `${words.by} `, name), over);
    const box = make("section", { className: "box", part: "box", "aria-labelledby": "h" }, top, make("div", { className: "field" }, form), said, by);
    const pill = make("button", { type: "button", className: "pill", part: "pill", "aria-haspopup": "dialog" }, mark(), words.heading);
    if (floating) {
      box.setAttribute("role", "dialog");
      box.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        this.#open(false);
      });
      pill.addEventListener("click", () => this.#open(true));
    }
    const status = make("p", { className: "vh", role: "status" });
    const root = make("div", { className: "root", dir: words.dir, lang: words.language }, ...(floating ? [pill] : []), box, status);
    const margin = make("div", { className: "margin", "aria-hidden": "true" });
    this.#parts = { root, box, input, button, said, over, pill, status, margin };
    this.#shadow.replaceChildren(root, margin);
    if (floating) this.#show(before !== undefined && !before.hidden && before.getAttribute("role") === "dialog");
    if (this.#asking) this.#lock(words.stop);
    if (this.#turns.length) this.#look();
  }

  #show(open) {
    this.#parts.box.hidden = !open;
    this.#parts.pill.hidden = open;
    this.#parts.pill.setAttribute("aria-expanded", open);
  }

  #open(open) {
    if (!this.hasAttribute("floating")) return;
    this.#show(open);
    (open ? this.#parts.input : this.#parts.pill).focus();
  }

  #lock(label, disabled = false) {
    const { button } = this.#parts;
    button.textContent = label;
    button.className = "button";
    button.disabled = disabled;
  }

  #unlock() {
    clearInterval(this.#ticking);
    const { button } = this.#parts;
    button.textContent = this.#words.ask;
    button.className = "button main";
    button.disabled = false;
  }

  #announce(sentence) {
    this.#parts.status.textContent = sentence;
  }

  #fire(name, detail) {
    this.dispatchEvent(new CustomEvent(`spanwise:${name}`, { detail, bubbles: true, composed: true }));
  }

  // ── Asking ──

  async #submit() {
    const { input, said } = this.#parts;
    const words = this.#words;
    const question = input.value.trim();
    if (!question) {
      this.#announce(words.empty);
      input.focus();
      return null;
    }
    this.#asking?.abort(new Trouble("stopped"));
    clearInterval(this.#ticking);
    for (const failed of this.#turns.filter((turn) => !turn.answer)) failed.element.remove();
    this.#turns = this.#turns.filter((turn) => turn.answer);
    const body = make("div", {}, make("p", { className: "wait" }, words.reading));
    const element = make("section", { className: "turn" }, make("h3", { className: "question", dir: "auto" }, question), body);
    const turn = { question, element, body, answer: null };
    const history = this.#turns.filter(({ answer }) => !answer.abstained).map((earlier) => earlier.question).slice(-REMEMBERED);
    this.#turns.push(turn);
    if (this.hasAttribute("floating")) said.append(element);
    else said.prepend(element);
    this.#follow(element);
    const asking = (this.#asking = new AbortController());
    const late = setTimeout(() => asking.abort(new Trouble("slow")), PATIENCE);
    this.#lock(words.stop);
    this.#parts.over.hidden = false;
    try {
      if (!this.#server) throw new Trouble("wrong");
      const documents = (this.getAttribute("documents") ?? "").split(/\s+/).filter(Boolean);
      const answer = await request(this.#server, question, history, documents, asking.signal);
      if (this.#asking !== asking) return null;
      this.#asking = null;
      this.#unlock();
      this.#parts.input.value = "";
      this.#answered(turn, answer);
      return answer;
    } catch (trouble) {
      if (!(trouble instanceof Trouble)) {
        if (trouble?.name !== "AbortError") throw trouble;
        turn.element.remove(); // the conversation was reset
        return null;
      }
      if (this.#asking === asking) this.#asking = null;
      if (this.#turns.includes(turn)) this.#failed(turn, trouble);
      return null;
    } finally {
      clearTimeout(late);
    }
  }

  /** Keep what is new in sight inside the panel. */
  #follow(element) {
    const { said } = this.#parts;
    if (this.hasAttribute("floating")) said.scrollTop = element.offsetTop - said.offsetTop;
  }

  #failed(turn, { kind, status, wait, detail, cause }) {
    const words = this.#words;
    this.#unlock();
    const own = words.language === "en" && detail && detail.length < 300;
    const why = fill(words[kind], { n: wait ?? status });
    const sentence = own ? detail : why.endsWith(".") ? why : fill(words.kept, { why });
    const says = make("p", {}, sentence);
    turn.body.replaceChildren(says);
    if (kind === "busy") {
      const until = Date.now() + wait * 1000;
      const tick = () => {
        const left = Math.ceil((until - Date.now()) / 1000);
        if (left > 0) return this.#lock(fill(this.#words.wait, { n: left }), true);
        this.#unlock();
        says.textContent = this.#words.ready;
      };
      tick();
      this.#ticking = setInterval(tick, 500);
    } else {
      const again = make("button", { type: "button", className: "button plain" }, words.again);
      again.addEventListener("click", () => (this.ask(turn.question), this.#parts.input.focus()));
      turn.body.append(make("p", { className: "foot" }, again));
    }
    this.#follow(turn.element);
    if (kind !== "stopped") {
      console.warn(`<span-wise>: ${sentence} (${this.#server?.href ?? this.getAttribute("server")} asked from ${location.origin}; ${cause ?? status ?? kind})`);
      this.#fire("error", { kind, message: sentence, status, wait });
    }
  }

  #answered(turn, answer) {
    const words = this.#words;
    Object.assign(turn, { answer, first: this.#next, chips: new Map(), notes: make("div", { className: "note", hidden: true }) });
    this.#next += answer.citations.length;
    const parts = [];
    if (answer.understood_as) {
      parts.push(make("p", { className: "as" }, `${words.as} `, make("b", { dir: "auto" }, answer.understood_as)));
    }
    parts.push(...(answer.abstained ? this.#none(turn, words) : this.#finds(turn, words)));
    turn.body.replaceChildren(...parts);
    this.#hand = turn;
    this.#now = null;
    this.#look();
    this.#follow(turn.element);
    this.#fire("answer", { answer });
  }

  #none(turn, words) {
    const { answer } = turn;
    const { nearest } = answer;
    const why = words.language === "en" && answer.reason ? answer.reason : words[answer.stage];
    const parts = [make("p", { className: "says" }, words.none)];
    if (why) parts.push(make("p", { dir: "auto" }, why));
    if (!nearest) return parts;
    parts.push(make("p", { className: "label" }, words.nearest), make("q", { className: "near", dir: "auto" }, nearest.sentence || nearest.quote));
    const show = make("a", { className: "button plain" }, words.show);
    show.addEventListener("click", (event) => this.#press(event, turn, nearest));
    turn.chips.set(nearest, show);
    parts.push(make("p", { className: "foot" }, show));
    return parts;
  }

  #finds(turn, words) {
    const { answer, first, chips } = turn;
    const of = new Map(answer.citations.map((citation, at) => [citation.number, { citation, number: first + at }]));
    const found = answer.items.map((item) => of.get(item.citation));
    const key = ({ citation }) => [citation.document_id, citation.sentence_start, citation.sentence_end].join();
    const list = make("ol", {});
    found.forEach((one, at) => {
      const { citation, number } = one;
      const chip = make("a", { className: "chip" }, make("span", { className: "vh" }, fill(words.cite, { n: number })), make("span", { "aria-hidden": "true" }, String(number)));
      chip.addEventListener("click", (event) => this.#press(event, turn, citation));
      chips.set(citation, chip);
      const item = make("li", {}, chip, make("q", { dir: "auto" }, citation.quote));
      list.append(item);
      if (at + 1 < found.length && key(found[at + 1]) === key(one)) return; // once, under the last that shares it
      const sharing = found.filter((other) => key(other) === key(one)).map((other) => other.citation);
      const context = contextOf(sharing);
      if (context) item.append(context);
    });
    const percent = Math.min(99, Math.max(1, Math.round(answer.confidence * 100)));
    const rank = [97, 85, 65].findIndex((least) => percent >= least);
    const ticks = make("span", { className: "ticks", "aria-hidden": "true" });
    const full = rank < 0 ? 2 : 5 - rank;
    for (let tick = 0; tick < 5; tick++) ticks.append(make("i", { className: tick < full ? "full" : "" }));
    const sure = `${words.sure[rank < 0 ? 3 : rank]} · `;
    return [list, turn.notes, make("p", { className: "foot" }, ticks, make("span", {}, sure, make("bdi", {}, `${percent}\u00a0%`)))];
  }

  // ── Lighting ──

  get #article() {
    const selector = this.getAttribute("for");
    if (!selector) return null;
    try {
      return this.getRootNode().querySelector(selector) ?? document.querySelector(selector);
    } catch {
      return null;
    }
  }

  /** Look for every citation in the article as it is now, and again when the page changes. */
  #look() {
    const article = this.#article;
    if (this.hasAttribute("for") && this.#watch === null) {
      this.#watch = new MutationObserver(() => this.#later());
      this.#watch.observe(this.getRootNode(), { subtree: true, childList: true, characterData: true });
    }
    const began = performance.now();
    const view = article && viewOf(article);
    for (const turn of this.#turns) {
      if (!turn.answer) continue;
      turn.places = new Map();
      for (const citation of turn.chips.keys()) {
        const at = view ? place(view, citation) : "lost";
        if (typeof at !== "string" && citation === turn.answer.nearest) {
          const [lead, trail] = around(citation).map(tidy); // the whole sentence, as far as it stands here
          if (view.text.startsWith(lead, at[0] - lead.length)) at[0] -= lead.length;
          if (view.text.startsWith(trail, at[1])) at[1] += trail.length;
        }
        turn.places.set(citation, typeof at === "string" ? at : rangeOf(view, at));
      }
      this.#tell(turn);
    }
    this.#cost = performance.now() - began;
    this.#light();
  }

  #cost = 0;

  #later() {
    if (this.#pause) return;
    this.#pause = setTimeout(() => {
      this.#pause = 0;
      if (this.isConnected) this.#look();
    }, Math.max(LEAST_PAUSE, this.#cost * SHARE));
  }

  /** Say which citations are not lit and why; give each chip the place it leads to. */
  #tell({ answer, first, chips, places, notes }) {
    const words = this.#words;
    const here = this.hasAttribute("for");
    const missing = { lost: [], twice: [] };
    for (const [citation, chip] of chips) {
      const at = places.get(citation);
      const link = typeof at === "string" ? this.#source(citation) : fragment(citation);
      chip.classList.toggle("off", here && typeof at === "string" && citation !== answer.nearest);
      if (link) chip.href = link;
      else chip.removeAttribute("href");
      if (typeof at === "string" && link) Object.assign(chip, { target: "_blank", rel: "noopener" });
      else chip.removeAttribute("target");
      if (citation === answer.nearest) {
        chip.textContent = typeof at === "string" ? words.open : words.show;
        chip.parentElement.hidden = !link;
      } else if (typeof at === "string") {
        missing[at].push([citation, first + answer.citations.indexOf(citation)]);
      }
    }
    const list = new Intl.ListFormat(words.language, { type: "conjunction" });
    const lines = Object.entries(missing).filter(([, all]) => here && all.length).map(([why, all]) =>
      make("p", {}, fill(words[why], { title: all[0][0].title, n: list.format(all.map(([, number]) => String(number))) })));
    if (lines.map((line) => line.textContent).join() !== notes.textContent) notes.replaceChildren(...lines);
    notes.hidden = lines.length === 0;
  }

  /** The address of a citation's words in its source, where the source has one. */
  #source(citation) {
    const pattern = this.getAttribute("source") ?? "{source}";
    const whole = pattern === "{source}" ? citation.source : fill(pattern, { source: encodeURIComponent(citation.source) });
    return /^https?:\/\//i.test(whole) && URL.canParse(whole) ? whole.replace(/#.*$/s, "") + fragment(citation) : null;
  }

  #press(event, turn, citation) {
    const at = turn.places.get(citation);
    const placed = typeof at !== "string";
    this.#fire("cite", { citation, placed: placed ? "lit" : at });
    if (!placed) return; // a link to the source, or a number whose note says why it leads nowhere
    event.preventDefault();
    this.#hand = turn;
    this.#now = citation;
    this.#light();
    const { root, box } = this.#parts;
    const panel = this.hasAttribute("floating") ? box.getBoundingClientRect() : null;
    const across = at.getBoundingClientRect();
    const covered = panel && panel.left < across.right && panel.right > across.left;
    bring(at, covered && panel.top > 96 ? panel.top : innerHeight);
    const number = turn.first + turn.answer.citations.indexOf(citation);
    this.#announce(citation === turn.answer.nearest ? this.#words.nearest : fill(this.#words.here, { n: number }));
  }

  #light() {
    const lights = { near: [], cited: [], hand: [], now: [] };
    for (const turn of this.#turns) {
      for (const [citation, range] of turn.places ?? []) {
        const now = citation === this.#now;
        const chip = turn.chips.get(citation);
        if (now) chip.setAttribute("aria-current", "true");
        else chip.removeAttribute("aria-current");
        if (typeof range === "string") continue;
        if (citation === turn.answer.nearest) {
          if (turn === this.#hand) lights.near.push(range);
        } else lights[now ? "now" : turn === this.#hand ? "hand" : "cited"].push(range);
      }
    }
    lit.set(this, lights);
    shine(this.#article);
    this.#number();
  }

  /** The numbers of the answer in hand in the article's margin; none where something else may stand there. */
  #number = () => {
    const { margin } = this.#parts;
    margin.replaceChildren();
    const article = this.#article;
    const turn = this.#hand;
    if (!article || !turn?.places || scrolls(article)) return;
    const rtl = getComputedStyle(article).direction === "rtl";
    const edge = article.getBoundingClientRect();
    const room = roomBeside(article, rtl);
    const lines = new Map();
    turn.answer.citations.forEach((citation, at) => {
      const range = turn.places.get(citation);
      const seen = range && typeof range !== "string" && range.getClientRects()[0];
      if (!seen) return;
      const line = Math.round(seen.top / 8);
      lines.set(line, [...(lines.get(line) ?? []), { number: turn.first + at, seen, now: citation === this.#now }]);
    });
    const origin = margin.getBoundingClientRect();
    const inset = Number.parseFloat(getComputedStyle(article)[rtl ? "paddingRight" : "paddingLeft"]);
    for (const all of lines.values()) {
      all.forEach(({ number, seen, now }, at) => {
        const out = 24 * (all.length - at) - inset;
        if (out > room) return;
        const badge = margin.appendChild(make("i", { className: now ? "now" : "" }, String(number)));
        badge.style.top = `${seen.top + seen.height / 2 - 9 - origin.top}px`;
        badge.style.left = `${(rtl ? edge.right + out - 18 : edge.left - out) - origin.left}px`;
      });
    }
  };
}

/** The sentence around citations that share it, with their words marked; null where it is not known. */
function contextOf(citations) {
  const [{ sentence, sentence_start: begin }] = citations;
  if (!sentence || citations.some((one) => !around(one).join("").length && one.quote !== sentence)) return null;
  const characters = [...sentence];
  const context = make("p", { className: "context", dir: "auto" });
  let at = 0;
  for (const { start, quote } of [...citations].sort((a, b) => a.start - b.start)) {
    const from = Math.max(at, start - begin), to = start - begin + [...quote].length;
    if (to <= from) continue;
    context.append(characters.slice(at, from).join(""), make("b", {}, characters.slice(from, to).join("")));
    at = to;
  }
  context.append(characters.slice(at).join(""));
  return context;
}

/** Whether an element is inside a box that scrolls by itself: numbers beside it would not scroll along. */
function scrolls(element) {
  for (let box = element; box && box !== document.body && box !== document.documentElement; box = box.parentElement) {
    const { overflowY, position } = getComputedStyle(box);
    if (/auto|scroll/.test(overflowY) || position === "fixed" || position === "sticky") return true;
  }
  return false;
}

/** How many pixels beside an element no other element of the page takes. */
function roomBeside(element, rtl) {
  const own = element.getBoundingClientRect();
  let free = rtl ? document.documentElement.clientWidth - own.right : own.left;
  for (let box = element; box.parentElement && box !== document.body; box = box.parentElement) {
    for (const other of box.parentElement.children) {
      const { top, bottom, left, right, width } = other.getBoundingClientRect();
      if (other === box || !width || bottom <= own.top || top >= own.bottom) continue;
      if (rtl ? left >= own.right : right <= own.left) free = Math.min(free, rtl ? left - own.right : own.left - right);
    }
  }
  return free;
}

if (!customElements.get("span-wise")) customElements.define("span-wise", SpanWise);
