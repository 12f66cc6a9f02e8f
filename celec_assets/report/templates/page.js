"use strict";
(() => {
  const root = document.documentElement;
  const switches = new Map([...document.querySelectorAll("input[name=language]")].map((radio) => [radio.value, radio]));
  root.classList.add("js");

  // The language: as the address asks, as it was chosen last, or the default. Storage may be blocked.
  const remembered = () => {
    try { return localStorage.getItem("language"); } catch { return null; }
  };
  const remember = (language) => {
    try { localStorage.setItem("language", language); } catch { /* the address remembers */ }
    try {
      const address = new URL(location.href);
      address.searchParams.set("lang", language);
      history.replaceState(null, "", address);
    } catch { /* a preview without an address of its own */ }
  };
  const show = (radio) => {
    radio.checked = true;
    root.lang = radio.value;
    document.title = radio.dataset.title;
  };
  const asked = new URLSearchParams(location.search).get("lang");
  show(switches.get(asked) ?? switches.get(remembered()) ?? switches.values().next().value);
  for (const radio of switches.values()) {
    radio.addEventListener("change", () => { show(radio); remember(radio.value); });
  }

  // A page that is opened days after it was made says so, by the day in Ecuador (UTC-5, no summer time).
  const today = Math.floor((Date.now() - 5 * 3600e3) / 86400e3);
  for (const banner of document.querySelectorAll("[data-made-on]")) {
    const days = today - Date.parse(banner.dataset.madeOn) / 86400e3;
    banner.querySelector("span").textContent = days;
    banner.hidden = days < 2;
  }

  // A chart is read by a slider that lies over it: its value is a day, and that day's row of the table is what it says.
  const said = (cell) => cell.textContent.trim();
  const read = (slider) => {
    const figure = slider.closest("figure");
    const row = figure.querySelectorAll("tbody tr")[slider.value];
    const [day, ...cells] = row.cells;
    const names = [...row.closest("table").querySelectorAll("thead th")].slice(1);
    const values = cells.flatMap((cell, n) => (said(cell) ? [`${said(names[n])} ${said(cell)}`] : []));
    const text = [said(day), ...values].join(" · ");
    const across = `${(100 * slider.value) / slider.max}%`;
    figure.querySelector(".readout").textContent = text;
    slider.setAttribute("aria-valuetext", text);
    for (const end of ["x1", "x2"]) figure.querySelector(".cursor").setAttribute(end, across);
  };
  const at = (name, act) => document.addEventListener(name, (event) => {
    if (event.target instanceof Element && event.target.matches(".scrub")) act(event.target, event);
  });
  at("input", read);
  at("focusin", read);
  at("pointermove", (slider, event) => {
    const box = slider.parentElement.getBoundingClientRect();
    slider.value = Math.round(((event.clientX - box.left) / box.width) * slider.max);
    read(slider);
  });
})();
