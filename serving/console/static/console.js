// Draws the charts, offers them as files, sends the token of the session with htmx. Every page works without it.
"use strict";

(() => {
  const drawn = new Map();
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  function colours() {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue(`--${name}`).trim();
  }

  // "$accent" in an option is the colour of that name in the style sheet
  function painted(value, colour) {
    if (typeof value === "string") return value.startsWith("$") ? colour(value.slice(1)) || value : value;
    if (Array.isArray(value)) return value.map((one) => painted(one, colour));
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, painted(one, colour)]));
    }
    return value;
  }

  // numbers as the language of the page writes them; "{value} %" in an option keeps its unit; a scale of colours has
  // its ends written beside it
  function spoken(option) {
    const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 4 });
    for (const axis of [option.xAxis, option.yAxis].flat()) {
      if (axis?.type !== "value") continue;
      const unit = (axis.axisLabel.formatter ?? "{value}").replace("{value}", "");
      axis.axisLabel.formatter = (value) => number.format(value) + unit;
      if (option.tooltip) option.tooltip.valueFormatter = (value) => (value == null ? "–" : number.format(value) + unit);
    }
    const scale = option.visualMap;
    if (scale !== undefined) {
      const round = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: scale.precision });
      const unit = (scale.formatter ?? "{value}").replace("{value}", "");
      scale.formatter = (value) => round.format(value) + unit;
      scale.text = [scale.max, scale.min].map(scale.formatter);
      option.tooltip.valueFormatter = (value) => scale.formatter(Array.isArray(value) ? value[2] : value);
    }
  }

  function draw(place) {
    const colour = colours();
    const option = painted(JSON.parse(place.dataset.option), colour);
    option.color = option.color || [1, 2, 3, 4, 5, 6].map((n) => colour(`series${n}`));
    option.textStyle = { fontFamily: getComputedStyle(document.body).fontFamily, color: colour("text") };
    option.animation = !calm.matches && !document.documentElement.hasAttribute("data-still");
    option.animationDuration = 300;
    if (option.tooltip) {
      option.tooltip = {
        backgroundColor: colour("card"), borderColor: colour("line"), textStyle: { color: colour("text") }, ...option.tooltip,
      };
    }
    spoken(option);
    let chart = drawn.get(place);
    if (chart === undefined) {
      chart = window.echarts.init(place, null, { renderer: "canvas" });
      drawn.set(place, chart);
    }
    chart.setOption(option, true);
  }

  function drawAll(root) {
    if (window.echarts === undefined) return;
    for (const place of root.querySelectorAll("[data-option]")) draw(place);
    for (const button of root.querySelectorAll("[data-download]")) {
      const figure = button.closest("figure");
      button.hidden = button.dataset.download === "png" && figure.querySelector("[data-option]") === null;
    }
  }

  function save(href, name) {
    const link = document.createElement("a");
    link.href = href;
    link.download = name;
    link.click();
  }

  // a cell that begins like a formula would be run by a spreadsheet
  function csvCell(text) {
    const safe = /^[=+\-@\t\r]/.test(text) && !/^-?[\d.]+(e[+-]?\d+)?$/i.test(text) ? `'${text}` : text;
    return /[",\n;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }

  function csv(table) {
    const lines = [...table.rows].map((row) =>
      [...row.cells].map((cell) => csvCell(cell.dataset.value ?? cell.textContent.trim())).join(","));
    return `\ufeff${lines.join("\r\n")}\r\n`;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-download]");
    if (button === null) return;
    const figure = button.closest("figure");
    const name = button.parentElement.dataset.name;
    if (button.dataset.download === "png") {
      const background = colours()("card");
      const chart = drawn.get(figure.querySelector("[data-option]"));
      save(chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: background }), `${name}.png`);
    } else {
      const address = URL.createObjectURL(new Blob([csv(figure.querySelector("table"))], { type: "text/csv" }));
      save(address, `${name}.csv`);
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
    }
  });

  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRF-Token"] = document.body.dataset.csrf ?? "";
  });
  document.addEventListener("htmx:afterSwap", (event) => drawAll(event.target));
  window.addEventListener("resize", () => drawn.forEach((chart) => chart.resize()));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((_, place) => draw(place)));
  drawAll(document);
})();
