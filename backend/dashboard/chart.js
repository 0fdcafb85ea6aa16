// Bars for the days, drawn by uPlot (a classic script: it is a global).

const DAY_S = 86_400;
const dayName = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
const tickName = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const number = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: "compact" });

/** A bar chart in `place`; `read(text)` is called with what is under the pointer, or with a summary. */
export function dayChart(place, read) {
  let plot = null;
  let days = [];

  const summary = () => {
    const total = days.reduce((sum, day) => sum + day.views, 0);
    if (total === 0) return "No page views in these 14 days.";
    const best = days.reduce((a, b) => (b.views > a.views ? b : a));
    return `${number.format(total)} in 14 days; most on ${dayName.format(best.date)}: ${number.format(best.views)}`;
  };

  const draw = () => {
    plot?.destroy();
    plot = null;
    const width = place.clientWidth;
    if (width === 0 || days.length === 0) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const font = "12px system-ui, sans-serif";
    const axis = { stroke: colour("--soft"), font, ticks: { show: false } };
    const first = days[0].date.getTime() / 1000;
    const last = days.at(-1).date.getTime() / 1000;
    plot = new uPlot(
      {
        width,
        height: place.clientHeight,
        padding: [8, 24, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
        scales: {
          x: { time: false, range: [first - DAY_S * 0.6, last + DAY_S * 0.6] },
          y: { range: (_, __, max) => [0, Math.max(max * 1.08, 5)] },
        },
        axes: [
          {
            ...axis,
            size: 28,
            grid: { show: false },
            splits: () => ticks(days, width),
            values: (_, at) => at.map((seconds) => tickName.format(seconds * 1000)),
          },
          {
            ...axis,
            size: 48,
            space: 48,
            grid: { stroke: colour("--line"), width: 1 },
            incrs: [1, 2, 5].flatMap((step) => [...Array(10).keys()].map((power) => step * 10 ** power)).sort((a, b) => a - b),
            values: (_, at) => at.map((views) => short.format(views)),
          },
        ],
        series: [
          {},
          { fill: colour("--accent"), paths: uPlot.paths.bars({ size: [0.68, 48], radius: 0.12 }), points: { show: false } },
        ],
        hooks: {
          setCursor: [
            ({ cursor }) => {
              const day = cursor.left >= 0 ? days[cursor.idx] : undefined;
              read(day ? `${dayName.format(day.date)}: ${number.format(day.views)}` : summary());
            },
          ],
        },
      },
      [days.map((day) => day.date.getTime() / 1000), days.map((day) => day.views)],
      place,
    );
  };

  new ResizeObserver(draw).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  return {
    /** Shows `[{date, views}]`, one per day; nothing is drawn again when nothing changed. */
    show(next) {
      const same = days.length === next.length && days.every((day, i) => day.views === next[i].views && +day.date === +next[i].date);
      if (same) return;
      days = next;
      draw();
      read(summary());
    },
    name: (date) => dayName.format(date),
  };
}

/** As many day names as fit, always with the last day. */
function ticks(days, width) {
  const every = Math.max(1, Math.ceil((days.length * 64) / Math.max(width - 72, 64)));
  return days.map((day) => day.date.getTime() / 1000).filter((_, i) => (days.length - 1 - i) % every === 0);
}
