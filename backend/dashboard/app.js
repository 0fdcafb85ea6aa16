// The dashboard: which site, what state, and the three questions asked again and again. Whatever comes from a visitor
// (URLs, names of reasons) reaches the page only as text.

import { ask, tokens, Trouble } from "./api.js";
import { dayChart } from "./chart.js";
import { showDelivery, showPages, showRealtime } from "./view.js";

const SLOWEST_MS = 60_000;
const DAYS = 14;
const DAY_MS = 86_400_000;

const $ = (id) => document.getElementById(id);
const chart = dayChart($("days-chart"), (text) => ($("days-readout").textContent = text));

/** What is asked, how often (ms), and who shows the answer. */
const QUESTIONS = [
  { path: () => "realtime", every: 2_000, show: showRealtime },
  { path: () => "delivery", every: 4_000, show: showDelivery },
  { path: daysPath, every: 15_000, show: showDays },
];

let site = "";
let watching = new AbortController();
/** What is wrong with which question at the moment: the page is live when this is empty. */
const failing = new Map();

function today() {
  return new Date().toISOString().slice(0, 10);
}

function daysPath() {
  const until = $("until").value || today();
  const from = new Date(Date.parse(until) - (DAYS - 1) * DAY_MS).toISOString().slice(0, 10);
  return `report?metric=pageviews&from=${from}&to=${until}&group_by=day`;
}

function showDays(answer, path) {
  const views = new Map(answer.data.map((row) => [row.day, row.pageviews]));
  const from = Date.parse(new URLSearchParams(path.split("?")[1]).get("from"));
  const days = Array.from({ length: DAYS }, (_, i) => {
    const date = new Date(from + i * DAY_MS);
    return { date, views: views.get(date.toISOString().slice(0, 10)) ?? 0 };
  });
  chart.show(days);
  showPages($("days-rows"), days.map((day) => [chart.name(day.date), day.views]), false);
}

function state(kind, text) {
  $("state").dataset.state = kind;
  // A live region speaks on every change, so nothing is written that is there already.
  if ($("state").textContent !== text) $("state").textContent = text;
}

function only(...ids) {
  for (const id of ["welcome", "problem", "token-card", "numbers"]) $(id).hidden = !ids.includes(id);
}

/** Stops what runs and begins to watch `site`. */
function watch() {
  watching.abort();
  watching = new AbortController();
  document.title = site ? `${site} · Headwater` : "Headwater";
  $("site").value = site;
  if (!site) {
    state("idle", "Waiting for a site");
    only("welcome");
    $("site").focus();
    return;
  }
  failing.clear();
  only();
  state("idle", "Asking …");
  for (const question of QUESTIONS) void repeat(question, watching);
}

/** Asks one question until the watch ends: every so often, slower after each failure, not while nobody looks. */
async function repeat(question, watch_) {
  const { path, every, show } = question;
  const { signal } = watch_;
  let failures = 0;
  while (!signal.aborted) {
    let wait = every;
    try {
      const asked = path();
      const answer = await ask(site, asked, signal);
      if (signal.aborted) return;
      failures = 0;
      only("numbers");
      show(answer, asked);
      failing.delete(question);
      showState();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Trouble)) throw error;
      failures += 1;
      const slower = Math.min(every * 2 ** failures, SLOWEST_MS);
      wait = Math.max(slower * (0.75 + Math.random() / 2), error.retryAfter * 1000);
      if (stops(error, watch_)) return;
      failing.set(question, { error, seconds: Math.ceil(wait / 1000) });
      showState();
    }
    await pause(wait, signal);
  }
}

/** "Live", or what is wrong; before there are any numbers also as a card. */
function showState() {
  const [first] = failing.values();
  if (!first) {
    state("live", "Live");
    return;
  }
  const { error, seconds } = first;
  const again = `asking again in ${seconds} s`;
  if (error.kind === "busy") state("stale", `Busy; ${again}`);
  else if (error.kind === "network") state("stale", `No answer; ${again}`);
  else state("problem", `Not all could be answered; ${again}`);
  if ($("numbers").hidden) {
    $("problem-title").textContent = "No numbers yet";
    $("problem-text").textContent = error.message;
    only("problem");
  }
}

/** Whether asking again makes no sense before someone does something; then the page says what. */
function stops(error, watch_) {
  if (error.kind === "token") {
    const refused = tokens.of(site) !== null;
    watch_.abort();
    tokens.forget(site);
    $("token-title").textContent = refused ? "This token was refused" : "A read token, please";
    state("problem", "Not allowed");
    only("token-card");
    $("token").focus();
    return true;
  }
  if (error.kind === "site") {
    watch_.abort();
    $("problem-title").textContent = "No such site";
    $("problem-text").textContent = `Headwater knows no site “${site}”. Check the spelling in the field above.`;
    state("problem", "Unknown site");
    only("problem");
    return true;
  }
  return false;
}

/** Waits, ends early with the watch, and goes on only when the page is looked at. */
async function pause(ms, signal) {
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
  while (document.hidden && !signal.aborted) {
    await new Promise((resolve) => {
      document.addEventListener("visibilitychange", resolve, { once: true, signal });
      signal.addEventListener("abort", resolve, { once: true });
    });
  }
}

function fromAddress() {
  const query = new URLSearchParams(location.search);
  site = query.get("site")?.trim() ?? "";
  const until = query.get("until") ?? "";
  $("until").value = Number.isNaN(Date.parse(until)) ? today() : until;
  watch();
}

function toAddress() {
  const query = new URLSearchParams({ site });
  if ($("until").value !== today()) query.set("until", $("until").value);
  history.pushState(null, "", `?${query}`);
}

$("site-form").addEventListener("submit", (event) => {
  event.preventDefault();
  site = $("site").value.trim();
  toAddress();
  watch();
});

$("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  tokens.keep(site, $("token").value.trim());
  $("token").value = "";
  watch();
});

$("until").addEventListener("change", () => {
  if (!$("until").value) return;
  toAddress();
  watch();
});

$("until-form").addEventListener("submit", (event) => event.preventDefault());
addEventListener("popstate", fromAddress);
fromAddress();
