"use strict";
(() => {
  const figures = {/* FIGURES */};
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const logarithmic = new Set();
  const paper = { width: 680 };
  // A logarithmic scale has no zero: half a line is its lowest value.
  const FLOOR = 0.5;
  const above = (value) => (value > FLOOR ? value : FLOOR);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colourOf = { threshold: "--alarm", advised: "--advice" };
  let isPrinted = false;

  function shape(drawn, isLog) {
    if (drawn.name === "alarm") {
      return { ...drawn, fillcolor: colour("--span"), line: { color: colour("--span"), width: 1 }, layer: "below" };
    }
    const height = isLog ? above(drawn.y0) : drawn.y0;
    return { ...drawn, y0: height, y1: height, line: { ...drawn.line, color: colour(colourOf[drawn.name]) } };
  }

  const label = (drawn) => ({ ...drawn, font: { color: colour(colourOf[drawn.name]), size: 12 } });

  function draw(name) {
    const figure = figures[name], isLog = logarithmic.has(name);
    const ink = colour("--ink"), grid = colour("--grid"), card = colour("--card");
    const [lines, alarms] = figure.data;
    const counts = lines.y;
    const data = [
      { ...lines, y: isLog ? counts.map(above) : counts, customdata: counts,
        line: { ...lines.line, color: colour("--line") }, fillcolor: colour("--fill") },
      { ...alarms, marker: { ...alarms.marker, color: colour("--alarm") } },
    ];
    const axis = { color: ink, gridcolor: grid, zerolinecolor: grid, linecolor: grid };
    const levels = (figure.layout.shapes || []).filter((drawn) => drawn.name !== "alarm").map((drawn) => drawn.y0);
    const highest = Math.max(1, ...counts, ...alarms.y, ...levels);
    const scale = isLog
      ? { type: "log", range: [Math.log10(FLOOR), Math.log10(highest * 1.6)], dtick: 1 }
      : { type: "linear", autorange: true };
    const layout = {
      ...figure.layout,
      shapes: (figure.layout.shapes || []).map((drawn) => shape(drawn, isLog)),
      annotations: (figure.layout.annotations || []).map(label),
      ...(isPrinted ? paper : { autosize: true }),
      height: 280,
      margin: { l: 64, r: 12, t: 24, b: 52 },
      paper_bgcolor: card,
      plot_bgcolor: card,
      font: { color: ink, size: 12 },
      hoverlabel: { bgcolor: card, bordercolor: grid, font: { color: ink } },
      xaxis: { ...figure.layout.xaxis, ...axis, nticks: 6 },
      yaxis: { ...figure.layout.yaxis, ...axis, ...scale },
    };
    const options = { responsive: !isPrinted, displayModeBar: false };
    Plotly.react(document.getElementById(`chart-${name}`), data, layout, options);
  }

  const drawAll = () => Object.keys(figures).forEach(draw);

  function print(isStarting) {
    isPrinted = isStarting;
    document.documentElement.classList.toggle("paper", isStarting);
    if (isStarting) document.querySelectorAll("details").forEach((list) => { list.open = true; });
    drawAll();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.scale");
    if (!button) return;
    const name = button.dataset.chart, isOn = !logarithmic.has(name);
    logarithmic[isOn ? "add" : "delete"](name);
    button.setAttribute("aria-pressed", String(isOn));
    draw(name);
  });
  dark.addEventListener("change", drawAll);
  window.addEventListener("beforeprint", () => print(true));
  window.addEventListener("afterprint", () => print(false));
  drawAll();
})();
