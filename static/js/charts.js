// Charts with uPlot. <div class="chart" data-chart="ID or URL" data-chart-live="5" data-unit="/s"></div>
//
// ID names a <script type="application/json"> (Django's json_script); a URL starts with "/". Either gives
//   {"x": [epoch seconds, ...], "series": [{"label": "in", "tone": "accent|green|red|amber|blue|grey", "y": [number or null, ...]}]}
// A null is a gap: the value was not known. A series may have "shape": "area" or "steps", and "axis": "right" for
// a scale of its own on that side, in whole numbers. Needs vendor/uplot/uPlot.iife.min.js before it.
(() => {
  "use strict";

  const HEIGHT = 170; // px, without the legend below
  const charts = new Map(); // element -> {plot, data}

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const color = (tone) => css(`--${tone || "accent"}`) || css("--accent");

  function short(value, unit) {
    if (value == null) return "–";
    const size = Math.abs(value);
    const [scale, name] = size >= 1e9 ? [1e9, " G"] : size >= 1e6 ? [1e6, " M"] : size >= 1e4 ? [1e3, " k"] : [1, ""];
    const scaled = value / scale;
    const digits = Math.abs(scaled) >= 100 || Number.isInteger(scaled) ? 0 : Math.abs(scaled) >= 10 ? 1 : 2;
    return `${Number(scaled.toFixed(digits)).toLocaleString("en").replace(/,/g, "\u00a0")}${name}${unit ? ` ${unit}` : ""}`;
  }

  function options(element, data) {
    const unit = element.dataset.unit || "";
    const line = css("--line");
    const font = `11.5px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: css("--dim"), font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
    return {
      width: Math.max(120, element.clientWidth),
      height: HEIGHT,
      padding: [8, 6, 0, 0],
      cursor: { points: { size: 6 }, drag: { x: false, y: false }, sync: { key: element.dataset.chartSync || null } },
      legend: { live: true },
      scales: {
        y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] },
        right: { range: (_plot, _low, high) => [0, Math.max(2, Math.ceil(high * 1.25))] },
      },
      axes: [
        { ...axis, values: (_plot, ticks, _axis, _space, step) => ticks.map((at) => time(at, step < 60)), space: 76, size: 30 },
        { ...axis, values: (_plot, ticks) => ticks.map((value) => short(value, "")), size: 48 },
        ...(data.series.some((series) => series.axis === "right")
          ? [{ ...axis, scale: "right", side: 1, grid: { show: false }, incrs: [1, 2, 5, 10, 25, 50], size: 34 }]
          : []),
      ],
      series: [
        { label: document.body.dataset.time, value: (_plot, at) => (at == null ? "" : time(at, true)) },
        ...data.series.map((series) => ({
          label: series.label,
          scale: series.axis === "right" ? "right" : "y",
          stroke: color(series.tone),
          fill: series.shape === "area" ? `${color(series.tone)}2e` : undefined,
          paths: series.shape === "steps" ? uPlot.paths.stepped({ align: 1 }) : undefined,
          width: 1.6,
          points: { show: false },
          spanGaps: false,
          // Nothing under the pointer: the newest value that is known.
          value: (plot, value, index, at) => short(at == null ? newest(plot.data[index]) : value, unit),
        })),
      ],
    };
  }

  const newest = (values) => values.findLast((value) => value != null);

  function time(at, withSeconds) {
    const form = { hour: "2-digit", minute: "2-digit", hour12: false, ...(withSeconds ? { second: "2-digit" } : {}) };
    return new Date(at * 1000).toLocaleTimeString([], form);
  }

  const columns = (data) => [data.x, ...data.series.map((series) => series.y)];
  const shape = (data) => data.series.map((series) => `${series.label}|${series.tone}|${series.shape}`).join("\n");

  function draw(element, data) {
    const known = charts.get(element);
    element.classList.toggle("chart-empty", !data.x.length);
    if (!data.x.length) {
      known?.plot.destroy();
      charts.delete(element);
      element.textContent = element.dataset.empty || "–";
      return;
    }
    if (known && shape(known.data) === shape(data)) {
      known.data = data;
      known.plot.setData(columns(data));
      return;
    }
    known?.plot.destroy();
    element.replaceChildren();
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
