// Putting answers on the page.

const MOST_PAGES = 10;
const number = new Intl.NumberFormat();
const $ = (id) => document.getElementById(id);

/** Writes `text` only if it is new, so that a selection or a screen reader's place survives a poll. */
function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

export function showRealtime({ active_users, events_per_sec, top_pages }) {
  write($("active-users"), number.format(active_users));
  write($("events-per-second"), number.format(events_per_sec));
  const pages = top_pages.slice(0, MOST_PAGES).map(({ url, views }) => [url ?? "(no address)", views]);
  showPages($("pages-rows"), pages, true);
  $("pages-empty").hidden = pages.length > 0;
}

/** Rows of `[label, views]`; with `bars` each label has a bar as long as its share of the largest. */
export function showPages(body, rows, bars) {
  const most = Math.max(1, ...rows.map(([, views]) => views));
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach(([label, views], i) => {
    const row = body.rows[i] ?? newRow(body, bars);
    const [name, value] = row.cells;
    // The label is a visitor's: text only, isolated, and without marks that would show it as something else.
    const text = visible(label);
    write(name.firstChild, text);
    name.title = text;
    if (bars) name.style.setProperty("--part", `${(100 * views) / most}%`);
    write(value, number.format(views));
  });
}

/** Control and format characters (line breaks, changes of direction) as their numbers. */
function visible(text) {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (mark) => `\\u{${mark.codePointAt(0).toString(16)}}`);
}

function newRow(body, bars) {
  const row = body.insertRow();
  const name = row.insertCell();
  name.append(document.createElement("bdi"));
  if (bars) name.className = "page";
  row.insertCell().className = "number";
  return row;
}

/** The promise as a number: what of all known events is counted, or lost with a name. */
export function showDelivery({ total, plain, streams_total }) {
  const lost = sum(total.lost);
  const { known, counted, copies, in_flight, unexplained } = total;
  const card = $("accounted").parentElement;
  write($("accounted"), percent(counted + lost, known));
  card.classList.toggle("alarm", unexplained > 0);
  write(
    $("promise"),
    known === 0
      ? "No event of an SDK is known yet."
      : `of ${number.format(known)} events that are known to have been accepted` +
          (streams_total === undefined ? "" : `, in ${number.format(streams_total)} streams`),
  );
  const parts = [
    ["Counted", counted, "counted"],
    ["Lost, named", lost, "lost"],
    ["In flight", in_flight, "flight"],
    ["Unexplained", unexplained, "unexplained"],
  ];
  shares(parts, known);
  ledger([...parts, ["Copies removed", copies, ""]]);
  details([
    ["Lost, by reason", total.lost],
    ["Refused before they were accepted (no loss)", total.refused],
    ["From third parties, without a stream", plain && { counted: plain.counted, copies: plain.copies }],
    ["Dropped of those, by reason", plain?.dropped],
  ]);
}

/** Never rounds up to 100 %: that is only shown when nothing is missing. */
function percent(part, whole) {
  if (!whole) return "–";
  if (part >= whole) return "100 %";
  return `${(Math.floor((part / whole) * 10_000) / 100).toFixed(2)} %`;
}

function sum(byReason) {
  return Object.values(byReason ?? {}).reduce((all, one) => all + one, 0);
}

function shares(parts, known) {
  const bar = $("shares");
  bar.replaceChildren(
    ...parts
      .filter(([, events]) => events > 0 && known > 0)
      .map(([, events, kind]) => {
        const share = document.createElement("span");
        share.className = kind;
        share.style.flexGrow = String(events / known);
        return share;
      }),
  );
}

function ledger(parts) {
  const list = $("ledger");
  if (list.children.length !== parts.length) {
    list.replaceChildren(...parts.map(([name, , kind]) => entry(name, kind)));
  }
  parts.forEach(([, events], i) => write(list.children[i].lastChild, number.format(events ?? 0)));
}

function entry(name, kind) {
  const pair = document.createElement("div");
  const term = document.createElement("dt");
  if (kind) {
    const key = document.createElement("span");
    key.className = `key ${kind}`;
    term.append(key);
  }
  term.append(name);
  pair.append(term, document.createElement("dd"));
  return pair;
}

/** One line per non-empty map, largest number first. */
function details(maps) {
  const lines = maps.flatMap(([title, map]) => {
    const entries = Object.entries(map ?? {}).filter(([, events]) => events > 0);
    if (entries.length === 0) return [];
    entries.sort(([, a], [, b]) => b - a);
    return [`${title}: ${entries.map(([name, events]) => `${name} ${number.format(events)}`).join(", ")}`];
  });
  const place = $("details");
  while (place.children.length > lines.length) place.lastChild.remove();
  lines.forEach((line, i) => write(place.children[i] ?? place.appendChild(document.createElement("p")), line));
}
