// Charts with uPlot. <div class="chart" data-chart="ID or URL" data-chart-live="5" data-unit="/s"></div>
//
// ID names a <script type="application/json"> (Django's json_script); a URL starts with "/". Either gives
//   {"x": [epoch seconds, ...], "series": [{"label": "in", "tone": "accent|green|red|amber|blue|grey", "y": [number or null, ...]}]}
// With data-form="duration" values are seconds. A null is a gap: the value was not known. A series may have "shape": "area", "steps" or "dashed", and "axis": "right" for
// a scale of its own on that side, in whole numbers. Needs vendor/uplot/uPlot.iife.min.js before it.
(() => {
  "use strict";

  const HEIGHT = 170; // px, without the legend below
  const SPANS = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 86_400, 2 * 86_400, 7 * 86_400, 30 * 86_400]; // s
  const charts = new Map(); // element -> {plot, data}

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const color = (tone) => css(`--${tone || "accent"}`) || css("--accent");

  // Days as the page's language writes them; in English as the browser does.
  const language = document.documentElement.lang;
  const locale = !language || language.startsWith("en") ? [] : language;

  function short(value, unit) {
    if (value == null) return "–";
    const size = Math.abs(value);
    const [scale, name] = size >= 1e9 ? [1e9, " G"] : size >= 1e6 ? [1e6, " M"] : size >= 1e4 ? [1e3, " k"] : [1, ""];
    const scaled = value / scale;
    const digits = Math.abs(scaled) >= 100 || Number.isInteger(scaled) ? 0 : Math.abs(scaled) >= 10 ? 1 : 2;
    return `${Number(scaled.toFixed(digits)).toLocaleString("en").replace(/,/g, "\u00a0")}${name}${unit ? ` ${unit}` : ""}`;
  }

  // 840 -> "14 min", 9000 -> "2.5 h"
  function duration(seconds) {
    if (seconds == null) return "–";
    const [scale, name] = seconds >= 86_400 ? [86_400, "d"] : seconds >= 3600 ? [3600, "h"] : seconds >= 60 ? [60, "min"] : [1, "s"];
    const amount = Number((seconds / scale).toFixed(seconds / scale >= 10 ? 0 : 1));
    return (document.body.getAttribute(`data-ago-${name}`) || `%(n)s ${name}`).replace("%(n)s", amount);
  }

  function options(element, data) {
    const unit = element.dataset.unit || "";
    const isTime = element.dataset.form === "duration";
    const worded = isTime ? duration : short;
    const line = css("--line");
    const font = `11.5px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: css("--dim"), font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
    return {
      width: Math.max(120, element.clientWidth),
      height: HEIGHT,
      padding: [8, isLong(data.x) ? 34 : 18, 0, 0], // the last label must not be cut
      cursor: { points: { size: 6 }, drag: { x: true, y: false, dist: 8 }, sync: { key: element.dataset.chartSync || null } },
      legend: { live: true },
      hooks: {
        draw: [(plot) => drawMarks(plot, element)],
        setScale: [(plot, scale) => scale === "x" && zoom(plot, element.dataset.chartSync || element.dataset.chart)],
      },
      scales: {
        y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] },
        right: { range: (_plot, _low, high) => [0, Math.max(2, Math.ceil(high * 1.25))] },
      },
      axes: [
        { ...axis, values: (plot, ticks, _axis, _space, step) => ticks.map((at) => tick(at, step, plot)), space: 84, size: 30 },
        { ...axis, values: (_plot, ticks) => ticks.map((value) => worded(value, "")), size: 48, ...(isTime ? { incrs: SPANS } : {}) },
        ...(data.series.some((series) => series.axis === "right")
          ? [{ ...axis, scale: "right", side: 1, grid: { show: false }, incrs: [1, 2, 5, 10, 25, 50], size: 34 }]
          : []),
      ],
      series: [
        { label: document.body.dataset.time, value: (plot, at) => (at == null ? "" : full(at, plot)) },
        ...data.series.map((series) => ({
          label: series.label,
          scale: series.axis === "right" ? "right" : "y",
          stroke: color(series.tone),
          fill: series.shape === "area" ? `${color(series.tone)}2e` : undefined,
          paths: series.shape === "steps" ? uPlot.paths.stepped({ align: 1 }) : undefined,
          width: 1.6,
          dash: series.shape === "dashed" ? [5, 4] : undefined,
          points: { show: false },
          spanGaps: false,
          // Nothing under the pointer: the newest value that is known.
          value: (plot, value, index, at) =>
            worded(at == null ? newest(plot.data[index]) : value, series.axis === "right" ? "" : unit),
        })),
      ],
    };
  }

  const newest = (values) => values.findLast((value) => value != null);

  function time(at, withSeconds) {
    const form = { hour: "2-digit", minute: "2-digit", hour12: false, ...(withSeconds ? { second: "2-digit" } : {}) };
    return new Date(at * 1000).toLocaleTimeString([], form);
  }

  // Hours alone say too little where the chart shows more than one day.
  const day = (at) => new Date(at * 1000).toLocaleDateString(locale, { day: "numeric", month: "short" });
  const isLong = (times) => times.at(-1) - times[0] > 87_000;
  const manyDays = (plot) => isLong(plot.data[0]);

  function tick(at, step, plot) {
    if (step >= 86_400) return day(at);
    return manyDays(plot) && step >= 3600 ? `${day(at)} ${time(at, false)}` : time(at, step < 60);
  }

  const full = (at, plot) => (manyDays(plot) ? `${day(at)} ${time(at, false)}` : time(at, true));

  // A part that somebody drew across stays in view when new values arrive, in all charts of the same time.
  const zoomed = new Map(); // sync key -> [from, to]
  function zoom(plot, key) {
    const { min, max } = plot.scales.x;
    const x = plot.data[0];
    const isAll = min <= x[0] && max >= x.at(-1);
    if (isAll) zoomed.delete(key);
    else zoomed.set(key, [min, max]);
    for (const [element, { plot: other }] of charts) {
      if (other === plot || element.dataset.chartSync !== key) continue;
      const [from, to] = isAll ? [other.data[0][0], other.data[0].at(-1)] : [min, max];
      if (other.scales.x.min !== from || other.scales.x.max !== to) other.setScale("x", { min: from, max: to });
    }
  }

  // What happened, as thin lines through the chart; what it was stands in the list below.
  function drawMarks(plot, element) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.setLineDash([3, 3]);
    for (const mark of charts.get(element)?.data.marks || element.marks || []) {
      const { min, max } = plot.scales.x;
      if (mark.at < min || mark.at > max) continue;
      const x = Math.round(plot.valToPos(mark.at, "x", true));
      ctx.strokeStyle = color(mark.tone);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  const columns = (data) => [data.x, ...data.series.map((series) => series.y)];
  const shape = (data) => data.series.map((series) => `${series.label}|${series.tone}|${series.shape}`).join("\n");

  function draw(element, data) {
    const known = charts.get(element);
    const isEmpty = !data.series.some((series) => series.y.some((value) => value !== null));
    element.classList.toggle("chart-empty", isEmpty);
    if (isEmpty) {
      known?.plot.destroy();
      charts.delete(element);
      element.textContent = element.dataset.empty || "–";
      return;
    }
    if (known && shape(known.data) === shape(data)) {
      known.data = data;
      const part = zoomed.get(element.dataset.chartSync || element.dataset.chart);
      known.plot.setData(columns(data), !part);
      if (part) known.plot.setScale("x", { min: part[0], max: part[1] });
      return;
    }
    known?.plot.destroy();
    element.replaceChildren();
    element.marks = data.marks; // it is drawn before it is among the charts
    charts.set(element, { data, plot: new uPlot(options(element, data), columns(data), element) });
  }

  async function load(element) {
    const source = element.dataset.chart;
    try {
      if (!source.startsWith("/")) return draw(element, JSON.parse(document.getElementById(source).textContent));
      const response = await fetch(source, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(15000) });
      if (response.ok && !response.redirected) {
        draw(element, await response.json());
        element.classList.remove("chart-stale");
      } else throw new Error(String(response.status));
    } catch {
      element.classList.add("chart-stale"); // the old picture stays, greyed
      if (!charts.has(element)) element.textContent = element.dataset.fault || "–";
    }
  }

  function redraw() {
    for (const [element, { data, plot }] of [...charts]) { // a copy: each comes back behind the last
      plot.destroy();
      charts.delete(element);
      if (element.isConnected) draw(element, data);
    }
  }

  const asked = new WeakMap();
  function refresh() {
    if (document.hidden) return;
    for (const element of document.querySelectorAll("[data-chart]")) {
      const seconds = Number(element.dataset.chartLive || 0);
      const last = asked.get(element);
      if (last !== undefined && (!seconds || Date.now() - last < seconds * 1000)) continue;
      asked.set(element, Date.now());
      load(element);
    }
  }

  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const known = charts.get(target);
      if (known && Math.abs(known.plot.width - target.clientWidth) > 1) {
        known.plot.setSize({ width: target.clientWidth, height: HEIGHT });
      }
    }
  });
  addEventListener("DOMContentLoaded", () => {
    for (const element of document.querySelectorAll("[data-chart]")) resized.observe(element);
    refresh();
    setInterval(refresh, 1000);
    new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  });
})();
