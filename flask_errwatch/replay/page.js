"use strict";
(() => {
  const figures = {/* FIGURES */};
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function draw() {
    const ink = colour("--ink"), grid = colour("--grid"), paper = colour("--card");
    for (const [name, figure] of Object.entries(figures)) {
      const [lines, alarms] = figure.data;
      lines.line.color = colour("--line");
      lines.fillcolor = colour("--fill");
      alarms.marker.color = colour("--alarm");
      const axis = { color: ink, gridcolor: grid, zerolinecolor: grid, linecolor: grid };
      const shapes = (figure.layout.shapes || []).map((shape) => shape.name === "alarm"
        ? { ...shape, fillcolor: colour("--span"), line: { color: colour("--span"), width: 1 }, layer: "below" }
        : { ...shape, line: { ...shape.line, color: colour("--alarm") } });
      const layout = {
        ...figure.layout,
        shapes,
        autosize: true,
        height: 260,
        margin: { l: 48, r: 12, t: 12, b: 36 },
        paper_bgcolor: paper,
        plot_bgcolor: paper,
        font: { color: ink, size: 12 },
        hoverlabel: { bgcolor: paper, bordercolor: grid, font: { color: ink } },
        xaxis: { ...figure.layout.xaxis, ...axis, nticks: 6 },
        yaxis: { ...figure.layout.yaxis, ...axis },
      };
      const options = { responsive: true, displayModeBar: false };
      Plotly.react(document.getElementById(`chart-${name}`), figure.data, layout, options);
    }
  }

  dark.addEventListener("change", draw);
  draw();
})();
