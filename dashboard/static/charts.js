// Charts: numbers come with the page (dashboard/charts.py), the look from its colours.

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const day = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "UTC" });
const hour = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: "UTC" });

const HEIGHT = 220, FONT = "12px system-ui, sans-serif";
const NO_POINTS = { show: false };
const charts = new Map();

// A canvas knows no light-dark(): each colour is read as it comes out for an element. `rgb(36, 86, 197)`
function colours(place) {
  const probe = place.appendChild(document.createElement("span"));
  const found = ["soft", "line", "accent", "bad", "surface"].map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(found);
}

const faint = (colour, share) => `color-mix(in srgb, ${colour} ${share}%, transparent)`;

function series(line, unit, colour) {
  const shared = { label: line.label, class: `look-${line.look}`, value: (_, value) => (value == null ? "" : `${number.format(value)} ${unit}`), spanGaps: false };
  switch (line.look) {
    case "bars": return { ...shared, stroke: colour.accent, fill: faint(colour.accent, 33), width: 1, points: NO_POINTS, paths: uPlot.paths.bars({ size: [0.7, 24] }) };
    case "points": return { ...shared, stroke: colour.accent, paths: () => null, points: { show: true, size: 7, width: 2, fill: colour.surface } };
    case "limit": return { ...shared, stroke: colour.bad, width: 1.5, dash: [6, 4], points: NO_POINTS };
    case "low":
    case "high": return { ...shared, stroke: "transparent", points: NO_POINTS };
    default: return { ...shared, stroke: colour.accent, width: 2, points: NO_POINTS, spanGaps: true };
  }
}

// The ground between each low and the high that follows it.
function bands(lines, colour) {
  return lines.flatMap((line, index) => (line.look === "low" ? [{ series: [index + 2, index + 1], fill: faint(colour.accent, 17) }] : []));
}

function draw(place) {
  const { unit, isHourly, times, lines } = JSON.parse(place.dataset.chart);
  const colour = colours(place);
  const axis = { stroke: colour.soft, font: FONT, grid: { stroke: colour.line, width: 1 }, ticks: { stroke: colour.line, width: 1 } };
  const moment = isHourly ? hour : day;
  const margin = (times[1] - times[0]) / 2;  // half a bar
  charts.get(place)?.destroy();
  charts.set(place, new uPlot({
    width: place.clientWidth, height: HEIGHT,
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { range: (_, first, last) => [first - margin, last + margin] }, y: { range: (_, __, most) => [0, (most || 1) * 1.08] } },
    axes: [
      { ...axis, space: 64, values: (_, moments) => moments.map((one) => moment.format(one * 1000)) },
      { ...axis, label: unit, labelFont: FONT, labelSize: 18, size: 52, values: (_, values) => values.map((one) => number.format(one)) },
    ],
    series: [
      { label: isHourly ? "UTC" : "day of UTC", value: (_, one) => (one == null ? "" : moment.format(one * 1000)) },
      ...lines.map((line) => series(line, unit, colour)),
    ],
    bands: bands(lines, colour),
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
  }, [times, ...lines.map((line) => line.values)], place));
}

const places = (root = document) => root.querySelectorAll("[data-chart]");
const drawAll = () => places().forEach(draw);

const widths = new ResizeObserver((changes) => {
  for (const { target } of changes) {
    const chart = charts.get(target);
    if (chart && chart.width !== target.clientWidth) chart.setSize({ width: target.clientWidth, height: HEIGHT });
  }
});

function begin(root) {
  for (const place of places(root)) {
    draw(place);
    widths.observe(place);
  }
}

begin(document);
document.addEventListener("htmx:afterSwap", (event) => begin(event.target));  // charts that come after their page
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
