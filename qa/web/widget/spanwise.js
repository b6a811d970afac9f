// <span-wise>: ask an article, get its own words, see them lit in the page. No text of others is ever markup.
// README.md beside this file tells its use, and how citations find their place.

// Why there is no answer the service says itself, in English.
const WORDS = {
  en: {
    heading: "Ask this article", question: "Your question", ask: "Ask", stop: "Stop", close: "Close", again: "Try again", over: "Start over",
    reading: "Reading the article…", as: "Understood as:", sure: ["Almost certain", "Very likely", "Likely", "Unsure"],
    none: "The document does not say.", nearest: "Nearest passage", show: "Show on this page", open: "Open the source",
    cite: "Show citation {n}", here: "Citation {n}, in the article",
    lost: "Not lit on this page, where these words do not stand as they do in {title}: {n}.",
    twice: "Not lit, because these words stand on this page more than once: {n}.",
    offline: "You are offline", kept: "{why}; your question is still in the box.",
    unreachable: "The answer service is out of reach, or does not answer this site",
    busy: "Many questions came just now; you can ask again in {n} seconds.", wait: "Wait {n} s",
    wrong: "What answered is not the answer service; the owner of this page should check its address.",
    failed: "The answer service could not answer ({n})",
    yes: "Right", no: "Wrong", by: "Exact quotations, by",
  },
  ko: {
    heading: "이 글에 질문하기", question: "질문을 입력하세요", ask: "묻기", stop: "중지", close: "닫기", again: "다시 시도", over: "처음부터",
    reading: "글을 읽는 중…", as: "다음과 같이 이해했습니다:", sure: ["거의 확실함", "매우 유력함", "유력함", "불확실함"],
    none: "문서에 나와 있지 않습니다.", nearest: "가장 가까운 구절", show: "이 페이지에서 보기", open: "원문 열기",
    retrieval: "문서에 이 질문과 관련된 내용이 없습니다.",
    reader: "문서를 읽었지만 답이 되는 구절이 없습니다.",
    threshold: "가장 유력한 구절도 답으로 보이기에는 불확실합니다.",
    cite: "인용 {n} 보기", here: "인용 {n}, 글에 표시됨",
    lost: "이 페이지의 글이 {title}의 원문과 달라 표시하지 않은 인용: {n}.",
    twice: "같은 구절이 이 페이지에 여러 번 나와 표시하지 않은 인용: {n}.",
    offline: "인터넷에 연결되어 있지 않습니다", kept: "{why}. 질문은 입력란에 남아 있습니다.",
    unreachable: "답변 서비스에 연결할 수 없거나 이 사이트가 허용되지 않았습니다",
    busy: "방금 질문이 많았습니다. {n}초 뒤에 다시 물을 수 있습니다.", wait: "{n}초 대기",
    wrong: "응답한 곳이 답변 서비스가 아닙니다. 이 페이지의 운영자가 주소를 확인해야 합니다.",
    failed: "답변 서비스가 답하지 못했습니다({n})",
    yes: "맞음", no: "틀림", by: "원문 그대로의 인용:",
  },
  ru: {
    heading: "Спросить у статьи", question: "Ваш вопрос", ask: "Спросить", stop: "Стоп", close: "Закрыть", again: "Повторить", over: "Начать заново",
    reading: "Читаю статью…", as: "Понято как:", sure: ["Почти наверняка", "Очень вероятно", "Вероятно", "Не уверенно"],
    none: "В документе об этом не сказано.", nearest: "Ближайшее место", show: "Показать на странице", open: "Открыть источник",
    retrieval: "В нём нет ничего, что относится к этому вопросу.",
    reader: "Он прочитан, но слов с ответом в нём нет.",
    threshold: "Самые вероятные слова слишком ненадёжны для ответа.",
    cite: "Показать цитату {n}", here: "Цитата {n}, в статье",
    lost: "Не выделены, потому что на этой странице текст не такой, как в {title}: {n}.",
    twice: "Не выделены, потому что эти слова стоят на странице несколько раз: {n}.",
    offline: "Нет подключения к сети", kept: "{why}; вопрос остался в поле.",
    unreachable: "Служба ответов недоступна или не отвечает этому сайту",
    busy: "Сейчас много вопросов; спросить снова можно через {n} с.", wait: "Ждите {n} с",
    wrong: "Ответила не служба ответов; владельцу страницы нужно проверить её адрес.",
    failed: "Служба ответов не смогла ответить ({n})",
    yes: "Верно", no: "Неверно", by: "Дословные цитаты:",
  },
  ar: {
    dir: "rtl",
    heading: "اسأل هذا المقال", question: "سؤالك", ask: "اسأل", stop: "إيقاف", close: "إغلاق", again: "حاول مرة أخرى", over: "ابدأ من جديد",
    reading: "جارٍ قراءة المقال…", as: "فُهم السؤال هكذا:", sure: ["شبه مؤكد", "مرجّح جدًا", "مرجّح", "غير مؤكد"],
    none: "لا يذكر المستند ذلك.", nearest: "أقرب مقطع", show: "أظهره في هذه الصفحة", open: "افتح المصدر",
    retrieval: "لا شيء فيه يتعلق بهذا السؤال.",
    reader: "قُرئ المستند، ولا كلمات فيه تجيب عن السؤال.",
    threshold: "أرجح الكلمات غير مؤكدة بما يكفي لتكون إجابة.",
    cite: "أظهر الاقتباس {n}", here: "الاقتباس {n} في المقال",
    lost: "لم تُبرَز لأن الكلمات في هذه الصفحة ليست كما في {title}: {n}.",
    twice: "لم تُبرَز لأن هذه الكلمات ترد في الصفحة أكثر من مرة: {n}.",
    offline: "أنت غير متصل بالإنترنت", kept: "{why}؛ سؤالك ما زال في الحقل.",
    unreachable: "لا يمكن الوصول إلى خدمة الإجابة أو أنها لا تجيب هذا الموقع",
    busy: "وردت أسئلة كثيرة الآن؛ يمكنك السؤال مجددًا بعد {n} ثانية.", wait: "انتظر {n} ث",
    wrong: "من أجاب ليس خدمة الإجابة؛ على صاحب الصفحة التحقق من عنوانها.",
    failed: "لم تستطع خدمة الإجابة أن تجيب ({n})",
    yes: "صحيح", no: "خطأ", by: "اقتباسات حرفية، من",
  },
};

const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);

// ── The citation's place in the page

// What may differ between document and page: white space, and what is not seen.
const BLANK = "\\s\\x1c-\\x1f\\x85", UNSEEN = "\\u00ad\\u200b\\u2060\\ufeff";
const regex = (set) => new RegExp(`[${set}]+`, "g");
const tidy = (text) => text.replace(regex(UNSEEN), "").replace(regex(BLANK), " ");
const ELSEWHERE = "script,style,noscript,template,textarea,select,iframe,object,svg,span-wise";
const LONGEST = 2_000_000; // characters of a page that are looked through

/** An element's text, white space and edges of blocks being one space; `text[i]` is `nodes[i].data[offsets[i]]`. */
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
      for (const { 0: part, index } of node.data.matchAll(regex(`^${BLANK}${UNSEEN}`))) {
        if ((gap || tidy(node.data.slice(end, index))) && text) put(" ", node, index);
        gap = false;
        put(part, node, index);
        end = index + part.length;
      }
      gap ||= tidy(node.data.slice(end));
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

/** Where a citation stands in a view, `[start, end]`, or why it is not lit: "lost" or "twice". `whole` widens it to its sentence. */
function place({ text }, citation, whole) {
  const quote = tidy(citation.quote).trim(), left = tidy(citation.prefix).trimStart(), right = tidy(citation.suffix).trimEnd();
  const sentence = around(citation), lead = tidy(sentence?.[0] ?? "").trimStart(), trail = tidy(sentence?.[1] ?? "").trimEnd();
  const inWord = (at) => /[\p{L}\p{N}\p{M}]$/u.test(text.slice(Math.max(0, at - 2), at)) && /^[\p{L}\p{N}\p{M}]/u.test(text.slice(at, at + 2));
  const find = (before, after) => {
    const found = [], needle = before + quote + after;
    for (let at = text.indexOf(needle); quote && at >= 0; at = text.indexOf(needle, at + 1)) {
      const start = at + before.length;
      if ((before || !inWord(start)) && (after || !inWord(start + quote.length))) found.push(start);
    }
    return found;
  };
  const precedes = (part, at) => part && text.endsWith(part, at), follows = (part, at) => part && text.startsWith(part, at + quote.length);
  let found = find(left, right);
  // Something else between paragraphs: one side and the whole sentence.
  if (!found.length && sentence) found = find(lead, trail).filter((at) => precedes(left, at) || follows(right, at));
  if (found.length > 1) {
    const solid = (at) => [...text.slice(0, at).replaceAll(" ", "")].length === citation.solid_start;
    const inSentence = (at) => text.endsWith(lead, at) && text.startsWith(trail, at + quote.length);
    found = [solid, inSentence].map((test) => found.filter(test)).find((sure) => sure.length === 1) ?? found;
  }
  if (found.length !== 1) return found.length ? "twice" : "lost";
  const [at] = found, end = at + quote.length;
  return [whole && precedes(lead, at) ? at - lead.length : at, whole && follows(trail, at) ? end + trail.length : end];
}

/** A citation's sentence before and after its quote, or null. */
function around({ sentence, quote, start, sentence_start }) {
  const characters = [...(sentence ?? "")], from = start - sentence_start, to = from + [...quote].length;
  return characters.slice(from, to).join("") === quote ? [characters.slice(0, from).join(""), characters.slice(to).join("")] : null;
}

function rangeOf({ nodes, offsets }, [start, end]) {
  const range = new Range();
  range.setStart(nodes[start], offsets[start]);
  range.setEnd(nodes[end - 1], offsets[end - 1] + 1);
  return range;
}

/** A text fragment: browsers light the words on the page it leads to. */
function fragment({ prefix, quote, suffix }) {
  const escaped = (text) => encodeURIComponent(text.trim().replace(/\s+/g, " ")).replaceAll("-", "%2D");
  const before = escaped(prefix.split(/[\n\r]/).pop().replace(/^\S*\s?/, ""));
  const after = escaped(suffix.split(/[\n\r]/)[0].replace(/\s?\S*$/, ""));
  const words = quote.trim().split(/\s+/);
  const middle = words.length > 12 || /[\n\r]/.test(quote.trim())
    ? `${escaped(words.slice(0, 4).join(" "))},${escaped(words.slice(-4).join(" "))}` : escaped(quote);
  return `#:~:text=${before && `${before}-,`}${middle}${after && `,-${after}`}`;
}

// ── Light in the page

const RULE = "light-dark(#946100, #f4bd45)", BAND = "light-dark(#ffe28f, #5d470b)", NOW = "light-dark(#ffc63d, #7d5d0a)";
const ON = "light-dark(#141e21, #fff6e0)", DASH = "light-dark(#74858b, #74878d)";
const LIGHTS = ["near", "cited", "hand", "now"]; // the later lies over the earlier
const lit = new Map(); // widget -> kind -> ranges
const lamp = new CSSStyleSheet();
lamp.replaceSync(`
::highlight(spanwise-near) { text-decoration: underline dashed 1px ${DASH}; }
::highlight(spanwise-cited) { text-decoration: underline 1px ${RULE}; }
::highlight(spanwise-hand) { color: ${ON}; background-color: ${BAND}; text-decoration: underline 1px ${RULE}; }
::highlight(spanwise-now) { color: ${ON}; background-color: ${NOW}; text-decoration: underline 3px ${RULE}; }
@media (forced-colors: active) { ::highlight(spanwise-hand), ::highlight(spanwise-now) { color: MarkText; background-color: Mark; } }`);

function shine(article) {
  if (!CSS.highlights) return;
  const root = article?.getRootNode();
  if (root && !root.adoptedStyleSheets.includes(lamp)) root.adoptedStyleSheets.push(lamp);
  LIGHTS.forEach((name, priority) => {
    const ranges = [...lit.values()].flatMap((lights) => lights[name]);
    CSS.highlights.delete(`spanwise-${name}`);
    if (ranges.length) CSS.highlights.set(`spanwise-${name}`, Object.assign(new Highlight(...ranges), { priority }));
  });
}

/** Bring a range into the middle of the window above `floor`. */
function bring(range, floor) {
  range.startContainer.parentElement.scrollIntoView({ block: "nearest", behavior: "instant" });
  const { top, height } = range.getBoundingClientRect();
  scrollBy(0, top - Math.max(16, (floor - height) / 2)); // smoothly where the page says so
}

/** Free pixels beside an element; -1 where numbers there would not scroll along. */
function roomBeside(element, rtl) {
  const own = element.getBoundingClientRect();
  let free = rtl ? document.documentElement.clientWidth - own.right : own.left;
  for (let box = element; box && box !== document.body; box = box.parentElement) {
    const { overflowY, position } = getComputedStyle(box);
    if (/auto|scroll/.test(overflowY) || /fixed|sticky/.test(position)) return -1;
    for (const other of box.parentElement?.children ?? []) {
      const { top, bottom, left, right, width } = other.getBoundingClientRect();
      const beside = rtl ? left - own.right : own.left - right;
      if (width && bottom > own.top && top < own.bottom && beside >= 0) free = Math.min(free, beside);
    }
  }
  return free;
}

// ── The answer service

const PATIENCE = 90_000; // milliseconds

const trouble = (kind, more) => Object.assign(new Error(kind), { kind, ...more });

async function request(server, path, body, signal) {
  let response, given;
  try {
    response = await fetch(new URL(`api/v1/${path}`, server), {
      method: "POST", credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer", signal,
      headers: { "content-type": "application/json" }, body: JSON.stringify(body),
    });
    given = await response.text();
  } catch (cause) {
    throw trouble(navigator.onLine ? "unreachable" : "offline", { cause });
  }
  const { status, ok, headers } = response;
  try {
    given = JSON.parse(given);
  } catch {
    given = null;
  }
  if (status === 429 || status === 503) {
    const wait = Math.ceil(headers.get("retry-after") ?? given?.retry_after) || 10;
    throw trouble("busy", { status, wait: Math.min(wait, 3600) });
  }
  if (!given && status > 500) throw trouble("unreachable", { status });
  if (!given || (ok && path === "ask" && !isAnswer(given))) throw trouble("wrong", { status });
  if (!ok) throw trouble("failed", { status, detail: given.detail });
  return given;
}

const isCitation = (c) =>
  c && Number.isInteger(c.start) && Number.isInteger(c.sentence_start) &&
  [c.quote, c.prefix, c.suffix, c.title, c.source].every((text) => typeof text === "string");

const isAnswer = ({ abstained, confidence, items, citations, nearest }) =>
  typeof abstained === "boolean" && Number.isFinite(confidence) && Array.isArray(items) && Array.isArray(citations) &&
  citations.every(isCitation) && items.every((item) => citations.some(({ number }) => number === item?.citation)) &&
  (!nearest || isCitation(nearest));

// ── How it looks

// rem becomes px by the reader's own medium size: pages set their root at will.
const STYLE = `
:host { display: block; }
.root, .margin { all: initial; color-scheme: inherit;
  --card: light-dark(#fff, #182125); --line: light-dark(#d3dadc, #2b383c); --line-strong: ${DASH};
  --ink: light-dark(#141e21, #e6eced); --ink-2: light-dark(#404f55, #b6c3c7); --ink-3: light-dark(#56656b, #97a7ac);
  --accent: var(--spanwise-accent, light-dark(#0b5567, #82ccda)); --deep: var(--spanwise-accent, light-dark(#073d4b, #b0e3ec));
  --tint: light-dark(#dbeaed, #173840); --on-accent: var(--spanwise-on-accent, light-dark(#fff, #05222a));
  --serif: var(--spanwise-serif, Charter, "Iowan Old Style", "Charis SIL", Georgia, "Noto Serif", serif);
  --sans: var(--spanwise-sans, ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif);
  --ui: .9375rem/1.5 var(--sans); --small: .8125rem/1.5 var(--sans); --micro: 500 .75rem/1.35 var(--sans); --head: 600 1.0625rem/1.4 var(--sans);
  --shadow: 0 8px 40px light-dark(rgb(20 30 33 / .2), rgb(0 0 0 / .6)); }
.root { display: block; font: var(--ui); color: var(--ink); }
[dir=rtl] { direction: rtl; }
[dir=rtl] :is(q, .context, .question) { text-align: right; }
:host([theme=light]) > * { color-scheme: light; }
:host([theme=dark]) > * { color-scheme: dark; }
:host([theme=system]) > * { color-scheme: light dark; }
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
p, h2, h3, ol { margin: 0; padding: 0; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: .25rem; }
.vh { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }
.box { position: relative; overflow: clip; border: 1px solid var(--line); border-radius: var(--spanwise-radius, .875rem); background: var(--card); }
.top { display: flex; align-items: center; gap: .5rem; min-block-size: 3rem; padding-inline: 1.25rem .25rem; }
h2 { margin-inline-end: auto; font: var(--head); }
svg { flex: none; inline-size: 1.25rem; block-size: 1.25rem; }
.top svg { color: var(--accent); }
.field, .said, .by { padding-inline: 1.25rem; }
form { display: flex; gap: .5rem; padding: .3125rem; border: 1px solid var(--line-strong); border-radius: .875rem; }
form:focus-within { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
input { flex: 1; min-inline-size: 0; padding: .5rem .75rem; border: 0; outline: 0 !important; background: none; color: inherit; font: 1rem/1.5 var(--sans); }
::placeholder { color: var(--ink-3); opacity: 1; }
.button { display: inline-flex; align-items: center; justify-content: center; min-block-size: 2.5rem; padding: .25rem 1rem; border: 1px solid var(--line-strong); border-radius: .5rem; background: none; color: var(--accent); font: var(--ui); font-weight: 550; text-decoration: none; cursor: pointer; }
.button:hover { border-color: var(--accent); background: var(--tint); color: var(--deep); }
.main { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
.main:hover { border-color: var(--deep); background: var(--deep); color: var(--on-accent); }
.plain { padding-inline: .5rem; border-color: transparent !important; font-size: .8125rem; }
:is(.foot, .by, .judge) .plain { margin-inline: -.5rem; }
.button:disabled { border-color: var(--line); background: none; color: var(--ink-3); cursor: default; }
.turn { padding-block: 1rem .25rem; overflow-wrap: anywhere; }
.turn + .turn { border-block-start: 1px solid var(--line-strong); }
.question { padding-block-end: .5rem; font: var(--ui); font-weight: 600; }
.as, .note { padding-block-end: .5rem; font: var(--small); color: var(--ink-2); }
.as b { font-weight: 550; color: var(--ink); }
ol { list-style: none; }
li { display: grid; grid-template-columns: auto 1fr; column-gap: 1rem; align-items: start; padding-block: .25rem; }
q { font: 1.0625rem/1.4 var(--serif); text-indent: -.42em; padding-block: .125rem; quotes: "“" "”"; }
q::before { content: open-quote; color: var(--ink-3); }
q::after { content: close-quote; color: var(--ink-3); }
.context { grid-column: 2; padding-block: 2px .5rem; font: .90625rem/1.55 var(--serif); color: var(--ink-2); }
.context b { font-weight: inherit; color: ${ON}; background: linear-gradient(${BAND}, ${BAND}) 0 52% / 100% 1.3em no-repeat; text-decoration: underline 1px ${RULE}; text-underline-offset: .2em; text-decoration-skip-ink: none; box-decoration-break: clone; }
.chip { position: relative; display: grid; place-items: center; min-inline-size: 1.75rem; block-size: 1.75rem; padding: 1px .375rem 0; border: 1px solid transparent; border-radius: .5rem; background: var(--tint); color: var(--accent); font: 600 .8125rem/1 var(--sans); text-decoration: none; }
.chip::after { content: ""; position: absolute; inset: -.375rem; }
.chip[href]:hover { border-color: var(--accent); }
.chip.off { background: none; border: 1px dashed var(--line-strong); }
.chip[aria-current], .margin .now { background: var(--accent); color: var(--on-accent); }
.foot { display: flex; align-items: center; gap: .75rem; min-block-size: 2.75rem; margin-block-start: .5rem; border-block-start: 1px solid var(--line); font: var(--small); color: var(--ink-2); }
.judge { display: flex; gap: 1.5rem; margin-inline-start: auto; }
.ticks { display: flex; gap: 2px; }
.ticks i { inline-size: .5rem; block-size: .3125rem; border: 1px solid var(--line-strong); border-radius: 1px; }
.ticks .full { background: var(--ink-2); border-color: var(--ink-2); }
.says { font: var(--head); }
.says + p { color: var(--ink-2); }
.label { margin-block-start: .75rem; font: var(--micro); color: var(--ink-3); }
.near { display: block; text-indent: 0; line-height: 1.65; color: var(--ink-2); text-decoration: underline dashed 1px var(--line-strong); text-underline-offset: .28em; text-decoration-skip-ink: none; }
.wait { display: grid; gap: .75rem; padding-block: .25rem .75rem; color: var(--ink-2); }
.wait::after { content: ""; block-size: 3px; border-radius: 2px; background: linear-gradient(90deg, var(--line) 0 35%, var(--accent) 50%, var(--line) 65% 100%) 0 0 / 300% 100%; animation: sweep 1.6s linear infinite; }
@keyframes sweep { from { background-position: 100% 0; } }
.by { display: flex; align-items: center; justify-content: space-between; min-block-size: 2.5rem; font: var(--micro); color: var(--ink-3); }
.by a { padding-block: .3125rem; color: inherit; text-underline-offset: .2em; }
.by .plain { font: var(--micro); }
.margin { position: absolute; font: 600 .6875rem/1.125rem var(--sans); }
.margin i { position: absolute; inline-size: 1.125rem; border-radius: .25rem; background: var(--tint); color: var(--accent); font-style: normal; text-align: center; }
.floating { position: fixed; inset-block-end: 1.25rem; inset-inline-end: 1.25rem; z-index: 2147483000; max-inline-size: calc(100vw - 2.5rem); }
.pill { display: flex; align-items: center; gap: .5rem; min-block-size: 3rem; padding-inline: 1rem 1.25rem; border: 0; border-radius: 1.5rem !important; background: var(--accent); color: var(--on-accent); font: var(--ui); font-weight: 600; box-shadow: var(--shadow); cursor: pointer; }
.pill:hover { background: var(--deep); }
.floating .box { display: flex; flex-direction: column; inline-size: 23rem; max-inline-size: 100%; max-block-size: min(34rem, 80dvh); box-shadow: var(--shadow); }
.floating .said { flex: 1; overflow-y: auto; }
.floating .field { order: 1; padding-block: .75rem 0; border-block-start: 1px solid var(--line); }
.floating .by { order: 2; }
@media (max-width: 30rem) {
  .floating:has(.box:not([hidden])) { inset: auto 0 0; max-inline-size: none; }
  .floating .box { inline-size: auto; max-block-size: 62dvh; border-width: 1px 0 0; border-end-start-radius: 0; border-end-end-radius: 0; }
}
@media (prefers-reduced-motion: reduce) { .wait::after { animation: none; background: var(--line-strong); } }
@media (forced-colors: active) { .context b, .chip[aria-current], .ticks .full { background: Mark; color: MarkText; forced-color-adjust: none; } }
@media print { .floating { display: none; } }`;

let sheet = null;

function sheetFor(shadow) {
  if (sheet) return sheet;
  const probe = shadow.appendChild(make("i"));
  probe.style.fontSize = "medium";
  const medium = Number.parseFloat(getComputedStyle(probe).fontSize);
  sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE.replace(/([\d.]+)rem\b/g, (_, size) => `${size * medium}px`));
  return sheet;
}

function make(tag, attributes, ...children) {
  const element = tag === "svg" || tag === "path" ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const name in attributes) if (attributes[name] !== undefined) element.setAttribute(name, attributes[name]);
  element.append(...children);
  return element;
}

function button(words, action, kind = "button plain", attributes) {
  const element = make("button", { type: "button", class: kind, ...attributes }, ...[words].flat());
  element.addEventListener("click", action);
  return element;
}

const mark = () =>
  make("svg", { viewBox: "0 0 22 22", "aria-hidden": true, fill: "currentColor" },
    make("path", { d: "M4 5h14v12H4z", opacity: ".2" }),
    make("path", { d: "M4 5v12M18 5v12", stroke: "currentColor", "stroke-width": 2 }),
    make("path", { d: "M4 1a2.5 2.5 0 1 1-.01 0M18 16a2.5 2.5 0 1 1-.01 0" }));

/** The sentence that citations share, with their words marked. */
function contextOf(citations) {
  const [{ sentence, sentence_start: begin }] = citations;
  if (!sentence || citations.some((one) => !around(one))) return [];
  const characters = [...sentence], context = make("p", { class: "context", dir: "auto" });
  let at = 0;
  for (const { start, quote } of [...citations].sort((a, b) => a.start - b.start)) {
    const from = Math.max(at, start - begin), to = start - begin + [...quote].length;
    if (to <= from) continue;
    context.append(characters.slice(at, from).join(""), make("b", {}, characters.slice(from, to).join("")));
    at = to;
  }
  context.append(characters.slice(at).join(""));
  return [context];
}

// ── The element

const REMEMBERED = 8; // earlier questions that a follow-up may lean on
const PAUSE = 150; // milliseconds from a change to looking again
const SHARE = 20; // looking takes at most a twentieth of the time

class SpanWise extends HTMLElement {
  static observedAttributes = ["floating", "lang", "heading", "for", "server"];
  #shadow = this.attachShadow({ mode: "open" });
  #own = {};
  #words = {};
  #turns = []; // { question, history, element, body }, then { answer, first, chips, note, places }
  #asking = null; // stops the question in the works
  #hand = null; // the turn whose citations are banded
  #now = null; // the citation last pressed
  #next = 1; // no number is used twice
  #watch = new MutationObserver(() => this.#later());
  #pause = 0;
  #ticking = 0;
  #cost = 0;
  #box = null;
  #pill = null;
  #button = null;
  #over = null;
  #said = make("div", { class: "said", role: "log", part: "answer", "aria-labelledby": "h" });
  #input = make("input", { required: "", autocomplete: "off", enterkeyhint: "send", dir: "auto", part: "input" });
  #status = make("p", { class: "vh", role: "status" });
  #margin = make("div", { class: "margin", "aria-hidden": true });

  connectedCallback() {
    this.#shadow.adoptedStyleSheets = [sheetFor(this.#shadow)];
    this.#draw();
    addEventListener("resize", this.#number);
  }

  disconnectedCallback() {
    this.#watch.disconnect();
    removeEventListener("resize", this.#number);
    lit.delete(this);
    shine();
  }

  attributeChangedCallback() {
    if (sheet && this.isConnected) this.#draw();
  }

  set labels(words) {
    this.#own = words;
    this.attributeChangedCallback();
  }

  ask(question) {
    this.#input.value = question;
    return this.#submit();
  }

  reset() {
    this.#asking?.abort();
    this.#watch.disconnect();
    this.#turns = [];
    this.#hand = this.#now = null;
    this.#next = 1;
    this.#said.replaceChildren();
    this.#input.value = this.#status.textContent = "";
    this.#refresh();
    this.#light();
  }

  async feedback(right, { question, history, answer } = this.#hand) {
    return request(this.#server, "feedback", { question, history, right, citations: answer.citations });
  }

  show() {
    this.#open(true);
  }

  close() {
    this.#open(false);
  }

  get #server() {
    const given = this.getAttribute("server");
    return given === null ? new URL("..", import.meta.url) : URL.parse(given.replace(/\/*$/, "/"), document.baseURI);
  }

  /** Draw the frame around what was said. */
  #draw() {
    const asked = (this.lang || this.closest("[lang]")?.lang || "en").slice(0, 2).toLowerCase();
    const lang = WORDS[asked] ? asked : "en";
    const words = (this.#words = { lang, ...WORDS[lang], ...this.#own });
    const heading = this.getAttribute("heading") || words.heading;
    const floating = this.hasAttribute("floating");
    const open = this.#box && !this.#box.hidden && this.#pill;
    this.#said.tabIndex = floating ? 0 : -1; // what scrolls can be reached
    this.#input.placeholder = words.question;
    this.#input.setAttribute("aria-label", words.question);
    this.#button = make("button", { part: "button" });
    const form = make("form", { part: "form" }, this.#input, this.#button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#asking) this.#asking.abort();
      else this.#submit();
    });
    const top = make("header", { class: "top", part: "heading" }, mark(), make("h2", { id: "h" }, heading));
    const over = (this.#over = button(words.over, () => (this.reset(), this.#input.focus())));
    const by = make("a", { href: this.#server ?? "#", target: "_blank", rel: "noopener" }, "Spanwise");
    const box = make("section", { class: "box", part: "box", "aria-labelledby": "h", role: floating ? "dialog" : undefined },
      top, make("div", { class: "field" }, form), this.#said, make("div", { class: "by" }, make("span", {}, `${words.by} `, by), over));
    const root = make("div", { class: floating ? "root floating" : "root", dir: words.dir ?? "ltr", lang }, box, this.#status);
    this.#box = box;
    this.#pill = null;
    if (floating) {
      this.#pill = button([mark(), heading], () => this.show(), "pill", { part: "pill", "aria-haspopup": "dialog", "aria-expanded": false });
      root.prepend(this.#pill);
      top.append(button(words.close, () => this.close()));
      box.addEventListener("keydown", ({ key }) => key === "Escape" && this.close());
      box.hidden = !open;
      this.#pill.hidden = !!open;
    }
    this.#shadow.replaceChildren(root, this.#margin);
    this.#refresh();
  }

  #refresh() {
    this.#mode(this.#asking && this.#words.stop);
    this.#over.hidden = !this.#turns.length;
    if (this.#turns.length) this.#look();
  }

  #open(open) {
    if (!this.#pill) return;
    this.#box.hidden = !open;
    this.#pill.hidden = open;
    (open ? this.#input : this.#pill).focus();
  }

  #mode(words, disabled = false) {
    if (!disabled) clearInterval(this.#ticking);
    this.#button.textContent = words || this.#words.ask;
    this.#button.className = words ? "button" : "button main";
    this.#button.disabled = disabled;
  }

  #fire(name, detail) {
    this.dispatchEvent(new CustomEvent(`spanwise:${name}`, { detail, bubbles: true, composed: true }));
  }

  async #submit() {
    const question = this.#input.value.trim();
    if (!question) return null;
    this.#asking?.abort();
    for (const { answer, element } of this.#turns) if (!answer) element.remove();
    this.#turns = this.#turns.filter(({ answer }) => answer);
    const history = this.#turns.filter(({ answer }) => !answer.abstained).map((turn) => turn.question).slice(-REMEMBERED);
    const body = make("div", {}, make("p", { class: "wait" }, this.#words.reading));
    const element = make("section", { class: "turn" }, make("h3", { class: "question", dir: "auto" }, question), body);
    const turn = { question, history, element, body };
    const asking = (this.#asking = new AbortController());
    const late = setTimeout(() => asking.abort("late"), PATIENCE);
    this.#turns.push(turn);
    this.#said[this.#pill ? "append" : "prepend"](element);
    this.#refresh();
    this.#follow(turn);
    try {
      const documents = this.getAttribute("documents")?.match(/\S+/g);
      if (!this.#server) throw trouble("wrong");
      const answer = await request(this.#server, "ask", { question, history, document_ids: documents, include_hits: false }, asking.signal);
      if (asking.signal.aborted) return null;
      this.#asking = null;
      this.#input.value = "";
      this.#answered(turn, answer);
      return answer;
    } catch (problem) {
      if (this.#asking === asking) this.#asking = null;
      if (asking.signal.aborted && asking.signal.reason !== "late") {
        element.remove(); // stopped by the reader, or another question came
        this.#turns = this.#turns.filter((other) => other !== turn);
        if (!this.#asking) this.#refresh();
      } else if (problem.kind) this.#failed(turn, problem);
      else throw problem;
      return null;
    } finally {
      clearTimeout(late);
    }
  }

  #follow({ element }) {
    if (this.#pill) this.#said.scrollTop = element.offsetTop - this.#said.offsetTop;
  }

  #why({ kind, status, wait, detail }) {
    const words = this.#words;
    const own = words.lang === "en" && typeof detail === "string" && detail.length < 300 ? detail : "";
    return own || fill(words[kind], { n: wait ?? status });
  }

  #failed(turn, problem) {
    const { kind, status, wait, cause } = problem;
    const words = this.#words, why = this.#why(problem);
    const message = why.endsWith(".") ? why : fill(words.kept, { why });
    const again = make("p", { class: "foot" }, button(words.again, () => (this.#input.focus(), this.ask(turn.question))));
    turn.body.replaceChildren(make("p", {}, message), again);
    this.#mode();
    if (wait) {
      const until = Date.now() + wait * 1000;
      const tick = () => {
        const left = Math.ceil((until - Date.now()) / 1000);
        again.hidden = left > 0;
        this.#mode(left > 0 && fill(words.wait, { n: left }), left > 0);
      };
      tick();
      this.#ticking = setInterval(tick, 500);
    }
    this.#follow(turn);
    console.warn(`<span-wise>: ${message} (${this.getAttribute("server") ?? this.#server}, asked from ${location.origin}: ${cause ?? status ?? kind})`);
    this.#fire("error", { kind, message, status, wait });
  }

  #answered(turn, answer) {
    const words = this.#words;
    Object.assign(turn, { answer, first: this.#next, chips: new Map(), note: make("div", { class: "note" }) });
    this.#next += answer.citations.length;
    const understood = answer.understood_as ? [make("p", { class: "as" }, `${words.as} `, make("b", { dir: "auto" }, answer.understood_as))] : [];
    turn.body.replaceChildren(...understood, ...(answer.abstained ? this.#none(turn, words) : this.#finds(turn, words)));
    this.#hand = turn;
    this.#now = null;
    this.#refresh();
    this.#follow(turn);
    this.#fire("answer", { answer });
  }

  #chip(turn, citation, attributes, ...words) {
    const chip = make("a", attributes, ...words);
    chip.addEventListener("click", (event) => this.#press(event, turn, citation));
    turn.chips.set(citation, chip);
    return chip;
  }

  #judge(turn, words) {
    const judge = make("span", { class: "judge" });
    for (const kind of this.hasAttribute("feedback") ? ["yes", "no"] : []) {
      judge.append(button(words[kind], async () => {
        this.#input.focus();
        judge.textContent = this.#status.textContent = await this.feedback(kind === "yes", turn).then(() => `${words[kind]} ✓`, (problem) => this.#why(problem));
      }));
    }
    return judge;
  }

  #none(turn, words) {
    const { reason, stage, nearest } = turn.answer;
    const why = (words.lang === "en" && reason) || words[stage] || "";
    const parts = [make("p", { class: "says" }, words.none), make("p", { dir: "auto" }, why)];
    if (nearest) {
      parts.push(make("p", { class: "label" }, words.nearest), make("q", { class: "near", dir: "auto" }, nearest.sentence || nearest.quote),
        make("p", { class: "foot" }, this.#chip(turn, nearest, { class: "button plain" })));
    }
    return [...parts, this.#judge(turn, words)];
  }

  #finds(turn, words) {
    const { citations, items, confidence } = turn.answer;
    const found = items.map((item) => citations.find(({ number }) => number === item.citation));
    const key = (c) => c && [c.document_id, c.sentence_start, c.sentence_end].join();
    const list = found.map((citation, at) => {
      const n = turn.first + citations.indexOf(citation);
      const chip = this.#chip(turn, citation, { class: "chip", "aria-label": fill(words.cite, { n }) }, n);
      const last = key(citation) !== key(found[at + 1]); // the sentence stands once
      return make("li", {}, chip, make("q", { dir: "auto" }, citation.quote), ...(last ? contextOf(found.filter((one) => key(one) === key(citation))) : []));
    });
    const percent = Math.min(99, Math.max(1, Math.round(confidence * 100)));
    const rank = percent >= 97 ? 0 : percent >= 85 ? 1 : percent >= 65 ? 2 : 3;
    const ticks = [0, 1, 2, 3, 4].map((tick) => make("i", { class: tick < 5 - rank ? "full" : "" }));
    return [make("ol", {}, ...list), turn.note, make("p", { class: "foot" }, make("span", { class: "ticks" }, ...ticks),
      make("span", {}, `${words.sure[rank]} · `, make("bdi", {}, `${percent}\u00a0%`)), this.#judge(turn, words))];
  }

  get #article() {
    try {
      return document.querySelector(this.getAttribute("for"));
    } catch {
      return null;
    }
  }

  /** Look for every citation in the article as it is now. */
  #look() {
    const began = performance.now();
    const here = this.hasAttribute("for"), article = here && this.#article;
    if (here) this.#watch.observe(document, { subtree: true, childList: true, characterData: true });
    const view = article && viewOf(article);
    for (const turn of this.#turns) {
      if (!turn.answer) continue;
      turn.places = new Map();
      const missing = { lost: [], twice: [] };
      for (const [citation, chip] of turn.chips) {
        const near = citation === turn.answer.nearest;
        const at = view ? place(view, citation, near) : "lost";
        const placed = typeof at !== "string";
        turn.places.set(citation, placed && rangeOf(view, at));
        const link = placed ? fragment(citation) : this.#source(citation);
        chip.toggleAttribute("href", link);
        if (link) chip.href = link;
        chip.target = placed ? "" : "_blank";
        chip.rel = "noopener";
        if (near) {
          chip.textContent = placed ? this.#words.show : this.#words.open;
          chip.parentElement.hidden = !link;
        } else if (here) {
          chip.classList.toggle("off", !placed);
          if (!placed) missing[at].push(turn.first + turn.answer.citations.indexOf(citation));
        }
      }
      const { title } = turn.answer.citations[0] ?? {};
      const lines = ["lost", "twice"].filter((why) => missing[why].length).map((why) => fill(this.#words[why], { title, n: missing[why].join(", ") }));
      if (turn.note.textContent !== lines.join("")) turn.note.replaceChildren(...lines.map((line) => make("p", {}, line)));
    }
    this.#light();
    this.#cost = performance.now() - began;
  }

  #later() {
    this.#pause ||= setTimeout(() => {
      this.#pause = 0;
      if (this.isConnected) this.#look();
    }, Math.max(PAUSE, this.#cost * SHARE));
  }

  #source(citation) {
    const { source } = citation, pattern = this.getAttribute("source");
    const url = URL.parse(pattern ? fill(pattern, { source: encodeURIComponent(source) }) : source);
    return /^https?:$/.test(url?.protocol) ? url.href.replace(/#.*/, "") + fragment(citation) : "";
  }

  #press(event, turn, citation) {
    const range = turn.places.get(citation);
    this.#fire("cite", { citation, placed: !!range });
    if (!range) return; // a link to the source; where there is none, the note says why
    event.preventDefault();
    this.#hand = turn;
    this.#now = citation;
    this.#light();
    const panel = this.#pill && this.#box.getBoundingClientRect(), words = range.getBoundingClientRect();
    bring(range, panel && panel.left < words.right && panel.right > words.left && panel.top > 96 ? panel.top : innerHeight);
    const n = turn.first + turn.answer.citations.indexOf(citation);
    this.#status.textContent = citation === turn.answer.nearest ? this.#words.nearest : fill(this.#words.here, { n });
  }

  #light() {
    const lights = { near: [], cited: [], hand: [], now: [] };
    for (const turn of this.#turns) {
      for (const [citation, range] of turn.places ?? []) {
        const now = citation === this.#now, hand = turn === this.#hand;
        if (now) turn.chips.get(citation).setAttribute("aria-current", true);
        else turn.chips.get(citation).removeAttribute("aria-current");
        if (!range || (citation === turn.answer.nearest && !hand)) continue;
        lights[citation === turn.answer.nearest ? "near" : now ? "now" : hand ? "hand" : "cited"].push(range);
      }
    }
    lit.set(this, lights);
    shine(this.#article);
    this.#number();
  }

  /** Numbers in the article's margin, where it is free. */
  #number = () => {
    this.#margin.replaceChildren();
    const article = this.#article, turn = this.#hand, lines = {};
    if (!article || !turn) return;
    const { direction, paddingLeft, paddingRight } = getComputedStyle(article);
    const rtl = direction === "rtl", inset = Number.parseFloat(rtl ? paddingRight : paddingLeft);
    const edge = article.getBoundingClientRect(), room = roomBeside(article, rtl), origin = this.#margin.getBoundingClientRect();
    turn.answer.citations.forEach((citation, at) => {
      const seen = turn.places.get(citation) && turn.places.get(citation).getClientRects()[0];
      if (seen) (lines[Math.round(seen.top / 8)] ??= []).push([turn.first + at, seen, citation === this.#now]);
    });
    for (const line of Object.values(lines)) {
      line.forEach(([n, { top, height }, now], at) => {
        const out = 24 * (line.length - at) - inset;
        if (out > room) return;
        const badge = this.#margin.appendChild(make("i", { class: now ? "now" : "" }, n));
        badge.style.top = `${top + height / 2 - 9 - origin.top}px`;
        badge.style.left = `${(rtl ? edge.right + out - 18 : edge.left - out) - origin.left}px`;
      });
    }
  };
}

if (!customElements.get("span-wise")) customElements.define("span-wise", SpanWise);
