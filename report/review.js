"use strict";
const {pairs, sides, currency} = JSON.parse(document.getElementById("pairs-data").textContent);
const {columns, ids, formula} = JSON.parse(document.getElementById("ids-data").textContent);
const at = id => document.getElementById(id);
const words = {match: "match", no_match: "no match", skip: "skipped"};
// as many pairs stand in the list at once
const WINDOW = 100;
const PREFIX = "account_mapping__review/";
const RUN = new RegExp("^'*" + formula.slice(1), "u");
const known = new Map(pairs.map((pair, number) => [pair.key, number]));

// What is kept of a pair: {what, by, on, time, before}. `before` is what was kept until then, so that each step can be
// taken back, after a reload too. Each pair has an item of its own: two windows do not overwrite each other's.
const kept = new Map();
let storage = null;
try {
  localStorage.setItem(PREFIX + "probe", "1");
  localStorage.removeItem(PREFIX + "probe");
  storage = localStorage;
} catch {
  storage = null;
}
let unsaved = false;
let current = 0;

function cannotKeep(text) {
  storage = null;
  at("storage").textContent = text + " Download your decisions before you close or reload it.";
  at("storage").hidden = false;
}
function isKept(item) {
  return item !== null && typeof item === "object" && Object.hasOwn(words, item.what) && Number.isFinite(item.time)
    && typeof item.by === "string" && (item.what === "skip" || /^\d{4}-\d\d-\d\d$/.test(item.on));
}
function load(key, text) {
  let item = null;
  try { item = JSON.parse(text); } catch { /* no item of ours */ }
  if (isKept(item)) kept.set(key, item);
  else kept.delete(key);
}
function write(name, text) {
  if (!storage) return;
  try {
    if (text === null) storage.removeItem(PREFIX + name);
    else storage.setItem(PREFIX + name, text);
  } catch {
    cannotKeep("The browser has no room left for this page.");
  }
}
function keep(key, item) {
  if (item) kept.set(key, item);
  else kept.delete(key);
  write("pair/" + key, item ? JSON.stringify(item) : null);
  unsaved = true;
}
if (storage) {
  for (const key of known.keys()) load(key, storage.getItem(PREFIX + "pair/" + key));
  at("name").value = storage.getItem(PREFIX + "name") ?? "";
} else {
  cannotKeep("This browser keeps nothing for this page.");
}

const word = text => text === null || text === "" ? "–" : text;
const count = (number, one, many) => number.toLocaleString("en") + " " + (number === 1 ? one : many);
const name = () => at("name").value.replace(/\s+/gu, " ").trim();
const what = number => kept.get(pairs[number].key)?.what;
const title = number => (pairs[number].sides[0][0] ?? "no name") + " – " + (pairs[number].sides[0][1] ?? "known by its hash only");
function shown() {
  const partner = at("partner").value;
  return [...pairs.keys()].filter(number => !partner || pairs[number].partner === partner);
}
function tell(text) { at("told").textContent = text; }
function today() {
  const now = new Date();
  const two = number => String(number).padStart(2, "0");
  return {day: `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`,
    time: two(now.getHours()) + two(now.getMinutes()) + two(now.getSeconds())};
}
function element(tag, text, kind) {
  const made = document.createElement(tag);
  made.textContent = text;
  made.dir = "auto";
  if (kind) made.className = kind;
  return made;
}
function decided() { return [...pairs.keys()].filter(number => ["match", "no_match"].includes(what(number))); }

function showCard() {
  const pair = pairs[current];
  const listed = shown();
  const state = kept.get(pair.key);
  at("title").textContent = `Pair ${(listed.indexOf(current) + 1).toLocaleString("en")} of ${listed.length.toLocaleString("en")}: ${pair.partner}`;
  at("state").replaceChildren(...(!state ? ["Not decided."]
    : state.what === "skip" ? ["Skipped."]
    : ["Decided: ", element("span", words[state.what], "is-" + state.what), `, by ${state.by} on ${state.on}.`]));
  at("theirs").textContent = "theirs: " + pair.partner;
  const body = at("sides").tBodies[0];
  body.replaceChildren();
  sides.forEach((side, place) => {
    const [ours, theirs] = pair.sides[place];
    const row = body.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = side;
    row.append(head);
    for (const [text, isTheirs] of [[ours, false], [theirs, true]]) {
      const hashed = isTheirs && side === "name" && text === null;
      row.append(element("td", hashed ? "known by its hash only" : word(text)));
    }
  });
  at("facts").textContent = `Probability ${pair.probability}; method: ${pair.method}. `
    + `Open on our account: ${currency} ${pair.amount.toLocaleString("en")}. `
    + (pair.waiting > 1 ? `${count(pair.waiting, "pair", "pairs")} of our account await a person at this partner.` : "");
  for (const id of ["for", "against"]) {
    at(id).replaceChildren(...(pair[id].length ? pair[id] : ["Nothing was found."]).map(text => element("li", text)));
  }
  at("rival").replaceChildren("Closest rival: ", element("bdi", pair.rival ?? "none"));
  at("reason").textContent = pair.reason;
}
function showList() {
  const listed = shown();
  const place = listed.indexOf(current);
  const first = Math.floor(place / WINDOW) * WINDOW;
  const part = listed.slice(first, first + WINDOW);
  at("window").textContent = `${(first + 1).toLocaleString("en")} to ${(first + part.length).toLocaleString("en")} of ${count(listed.length, "pair", "pairs")}`;
  at("earlier").disabled = first === 0;
  at("later").disabled = first + WINDOW >= listed.length;
  at("earlier").hidden = at("later").hidden = listed.length <= WINDOW;
  const focused = document.activeElement?.closest?.("#list") ? document.activeElement.dataset.number : null;
  at("list").replaceChildren(...part.map(number => {
    const item = document.createElement("li");
    const button = element("button", "");
    button.type = "button";
    button.dataset.number = number;
    if (number === current) button.setAttribute("aria-current", "true");
    const state = what(number);
    const small = element("small", pairs[number].partner + (state ? ", " : ""));
    if (state) small.append(element("span", words[state], "is-" + state));
    button.append(element("bdi", title(number)), small);
    button.addEventListener("click", () => go(number));
    item.append(button);
    return item;
  }));
  const now = at("list").querySelector("[aria-current]");
  if (focused !== null) (at("list").querySelector(`[data-number="${focused}"]`) ?? now)?.focus();
  // the list scrolls, the page stays
  const box = at("list");
  if (now && (now.offsetTop - box.offsetTop < box.scrollTop || now.offsetTop + now.offsetHeight - box.offsetTop > box.scrollTop + box.clientHeight)) {
    box.scrollTop = now.offsetTop - box.offsetTop - box.clientHeight / 3;
  }
}
function showCounter() {
  const numbers = {match: 0, no_match: 0, skip: 0, none: 0};
  const listed = shown();
  for (const number of listed) numbers[what(number) ?? "none"] += 1;
  at("counter").textContent = `${(numbers.match + numbers.no_match).toLocaleString("en")} of ${count(listed.length, "pair", "pairs")} decided: `
    + `${numbers.match.toLocaleString("en")} match, ${numbers.no_match.toLocaleString("en")} no match. `
    + `${numbers.skip.toLocaleString("en")} skipped, ${numbers.none.toLocaleString("en")} left.`;
  at("download").disabled = !decided().length;
  at("undo").disabled = !kept.size;
}
function show() {
  showCard();
  showList();
  showCounter();
}
function go(number) {
  current = number;
  show();
}
function move(step) {
  const listed = shown();
  const place = listed.indexOf(current) + step;
  go(listed[Math.max(0, Math.min(listed.length - 1, place))]);
}
// the next pair of the list that nobody has looked at, from the top again after the last one
function advance(text) {
  const listed = shown();
  const place = listed.indexOf(current);
  const open = [...listed.slice(place + 1), ...listed.slice(0, place + 1)].find(number => !what(number));
  if (open === undefined) {
    const skipped = listed.filter(number => what(number) === "skip").length;
    show();
    tell(`${text} ${skipped ? `Nothing is left but ${count(skipped, "skipped pair", "skipped pairs")}.` : "All pairs of this list are decided."}`);
  } else {
    go(open);
    tell(`${text} Next: ${title(open)}.`);
  }
}
function latest() {
  let found = null;
  for (const [key, item] of kept) if (known.has(key) && (!found || item.time > kept.get(found).time)) found = key;
  return found;
}
function decide(verdict) {
  if (verdict !== "skip" && !name()) {
    tell("Type your name first: it stands beside each decision.");
    at("name").focus();
    return;
  }
  const key = pairs[current].key;
  const before = kept.get(key) ?? null;
  // skipping what is decided would take the decision away: that is for `undo`
  if (verdict === "skip" && before && before.what !== "skip") {
    advance("The decision stays.");
    return;
  }
  const last = latest();
  const time = Math.max(Date.now(), last ? kept.get(last).time + 1 : 0);
  keep(key, {what: verdict, by: name(), on: today().day, time, before});
  advance(`${title(current)}: ${words[verdict]}.`);
}
function undo() {
  const key = latest();
  if (!key) {
    tell("There is nothing to undo.");
    return;
  }
  const undone = kept.get(key);
  keep(key, isKept(undone.before) ? undone.before : null);
  const number = known.get(key);
  if (at("partner").value && pairs[number].partner !== at("partner").value) at("partner").value = "";
  go(number);
  tell(`Taken back: ${title(number)}, ${words[undone.what]}.`);
}
// a text that a spreadsheet would run has an apostrophe in front, which the merge takes away
function cell(text) {
  const safe = RUN.test(text) ? "'" + text : text;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? '"' + safe.replaceAll('"', '""') + '"' : safe;
}
function csv() {
  const rows = decided().map(number => {
    const item = kept.get(pairs[number].key);
    return [...ids[number], item.what, item.by, item.on];
  });
  return [columns, ...rows].map(row => row.map(cell).join(",") + "\n").join("");
}
function download() {
  const number = decided().length;
  if (!number) {
    tell("There is no decision to download yet.");
    return;
  }
  const {day, time} = today();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv()], {type: "text/csv;charset=utf-8"}));
  link.download = `match_decisions_${day}_${time}.csv`;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  unsaved = false;
  tell(`${count(number, "decision", "decisions")} in ${link.download}. Merge the file into the seed: report merge-decisions.`);
}
function forget() {
  if (!confirm("Forget all decisions and the name that this browser keeps for these pairs?")) return;
  for (const key of known.keys()) keep(key, null);
  write("name", null);
  at("name").value = "";
  unsaved = false;
  go(shown()[0]);
  tell("All is forgotten.");
}

const actions = {m: () => decide("match"), n: () => decide("no_match"), s: () => decide("skip"), u: undo, d: download};
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.closest("input, select")) return;
  if (!at("keys").checked) return;
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    event.preventDefault();
    move(event.key === "ArrowLeft" ? -1 : 1);
  } else if (Object.hasOwn(actions, event.key.toLowerCase())) {
    event.preventDefault();
    // a key that is held down would decide on pairs that nobody has read
    if (!event.repeat) actions[event.key.toLowerCase()]();
  }
});
for (const verdict of Object.keys(words)) at(verdict).addEventListener("click", () => decide(verdict));
at("undo").addEventListener("click", undo);
at("previous").addEventListener("click", () => move(-1));
at("next").addEventListener("click", () => move(1));
at("earlier").addEventListener("click", () => move(-WINDOW));
at("later").addEventListener("click", () => move(WINDOW));
at("download").addEventListener("click", download);
at("forget").addEventListener("click", forget);
at("name").addEventListener("input", () => write("name", name()));
at("name").addEventListener("keydown", event => {
  if (event.key !== "Enter" || event.isComposing || !name()) return;
  event.preventDefault();
  at("title").focus();
});
at("partner").addEventListener("change", () => {
  const listed = shown();
  go(listed.find(number => !what(number)) ?? listed[0]);
});
// another window of the same page
window.addEventListener("storage", event => {
  if (event.key === null) kept.clear();
  else if (event.key.startsWith(PREFIX + "pair/")) {
    const key = event.key.slice((PREFIX + "pair/").length);
    if (!known.has(key)) return;
    load(key, event.newValue);
  } else return;
  show();
});
window.addEventListener("beforeunload", event => { if (!storage && unsaved && kept.size) event.preventDefault(); });
current = [...pairs.keys()].find(number => !what(number)) ?? 0;
show();
if (!name()) at("name").focus();
