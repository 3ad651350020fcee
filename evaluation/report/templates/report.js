"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  root.classList.add("js");

  // Light, dark, or as the system has it.
  const theme = document.getElementById("theme");
  const themes = ["auto", "light", "dark"];
  const stored = { get: () => { try { return localStorage.getItem("blendgap-theme"); } catch { return null; } },
    set: (name) => { try { localStorage.setItem("blendgap-theme", name); } catch { /* not from a file */ } } };
  const paint = (name) => {
    root.dataset.theme = name;
    theme.textContent = { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" }[name];
  };
  paint(themes.includes(stored.get()) ? stored.get() : "auto");
  theme.addEventListener("click", () => {
    const next = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
    paint(next);
    stored.set(next);
  });

  // Contents, from the sections that there are.
  const contents = document.getElementById("contents");
  for (const heading of all("main > section[id] > h2")) {
    const link = document.createElement("a");
    link.href = `#${heading.parentElement.id}`;
    link.textContent = heading.textContent;
    contents.append(link);
  }
  contents.hidden = contents.children.length < 3;

  // Truth and predictions: one switch for all pictures.
  const layer = (name, shown) => {
    root.classList.toggle(`without-${name}`, !shown);
    for (const box of all(`input[data-layer="${name}"]`)) box.checked = shown;
  };
  document.addEventListener("change", (event) => {
    const name = event.target.dataset.layer;
    if (name) layer(name, event.target.checked);
  });

  // Galleries: order, only mistakes, more.
  const FEW = 24;
  for (const gallery of all(".gallery")) {
    const list = gallery.querySelector(".shots");
    const shots = [...list.children];
    const sort = gallery.querySelector("[data-sort]");
    const only = gallery.querySelector("[data-only]");
    const more = gallery.querySelector("[data-more]");
    const count = gallery.querySelector("[data-count]");
    const number = (shot, name) => Number(shot.dataset[name]);
    const orders = {
      worst: (a, b) => number(b, "error") - number(a, "error"),
      best: (a, b) => number(a, "error") - number(b, "error"),
      alarms: (a, b) => number(b, "alarms") - number(a, "alarms") || number(b, "error") - number(a, "error"),
      order: (a, b) => number(a, "order") - number(b, "order"),
    };
    let most = FEW;
    const arrange = () => {
      const kept = shots.filter((shot) => !only.checked || number(shot, "mistakes") > 0);
      kept.sort(orders[sort.value]);
      shots.forEach((shot) => { shot.hidden = true; });
      kept.slice(0, most).forEach((shot) => { shot.hidden = false; });
      list.append(...kept);
      more.hidden = kept.length <= most;
      more.textContent = `Show all ${kept.length}`;
      count.textContent = `${Math.min(most, kept.length)} of ${kept.length} shown`;
    };
    sort.addEventListener("change", arrange);
    only.addEventListener("change", arrange);
    more.addEventListener("click", () => { most = Infinity; arrange(); });
    arrange();
  }

  // A closer look at any picture.
  const viewer = document.getElementById("viewer");
  const scene = viewer.querySelector(".scene");
  const title = viewer.querySelector(".title");
  const ZOOMS = [1, 2, 4, 8];
  let shown = [], at = 0, zoom = 1;
  const fit = () => {
    const stage = scene.firstElementChild;
    if (!stage) return;
    const image = stage.querySelector("img");
    const [w, h] = [Number(image.getAttribute("width")), Number(image.getAttribute("height"))];
    const width = Math.min(scene.clientWidth, (scene.clientHeight * w) / h) * zoom;
    stage.style.width = `${width}px`;
    stage.style.setProperty("--unit", `${w / width}px`);
  };
  const show = (index) => {
    at = (index + shown.length) % shown.length;
    zoom = 1;
    const image = shown[at];
    const stage = (image.closest(".stage") || image).cloneNode(true);
    const frame = document.createElement("div");
    frame.className = "stage";
    frame.append(...(image.closest(".stage") ? stage.childNodes : [stage]));
    frame.querySelector("img").removeAttribute("loading");
    scene.replaceChildren(frame);
    const caption = image.closest("figure").querySelector("figcaption");
    title.textContent = caption ? caption.textContent : image.alt;
    viewer.classList.toggle("plain", !image.closest(".stage"));
    viewer.classList.toggle("single", shown.length < 2);
    fit();
  };
  const open = (image) => {
    const group = image.closest(".shots, .closeups, .tiles, .frames, .pair") || image.closest("section");
    shown = all("img", group).filter((each) => each.offsetParent);
    viewer.showModal();
    show(shown.indexOf(image));
  };
  const enlarge = (to, x, y) => {
    const box = scene.getBoundingClientRect();
    const [fx, fy] = [(scene.scrollLeft + x - box.left) / scene.scrollWidth, (scene.scrollTop + y - box.top) / scene.scrollHeight];
    zoom = to;
    fit();
    scene.scrollTo(fx * scene.scrollWidth - (x - box.left), fy * scene.scrollHeight - (y - box.top));
  };
  const step = (direction) => {
    const next = ZOOMS[Math.min(Math.max(ZOOMS.indexOf(zoom) + direction, 0), ZOOMS.length - 1)];
    const box = scene.getBoundingClientRect();
    enlarge(next, box.left + box.width / 2, box.top + box.height / 2);
  };
  for (const image of all("main figure img")) {
    if (image.closest("button")) continue;
    image.tabIndex = 0;
    image.setAttribute("role", "button");
    image.setAttribute("aria-label", `${image.alt}; enlarge`);
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.stage");
    const image = button ? button.querySelector("img") : event.target.closest("main figure img");
    if (image) open(image);
  });
  document.addEventListener("keydown", (event) => {
    if (!viewer.open) {
      if ((event.key === "Enter" || event.key === " ") && event.target.matches("main figure img")) {
        event.preventDefault();
        open(event.target);
      }
      return;
    }
    const keys = {
      ArrowLeft: () => show(at - 1), ArrowRight: () => show(at + 1),
      "+": () => step(1), "-": () => step(-1),
      t: () => layer("truth", root.classList.contains("without-truth")),
      p: () => layer("predictions", root.classList.contains("without-predictions")),
    };
    if (keys[event.key] && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  const actions = { close: () => viewer.close(), back: () => show(at - 1), next: () => show(at + 1), in: () => step(1), out: () => step(-1) };
  for (const button of all("[data-action]", viewer)) button.addEventListener("click", actions[button.dataset.action]);
  scene.addEventListener("click", (event) => {
    if (event.target === scene) viewer.close();
    else enlarge(zoom === 1 ? 2 : zoom === 2 ? 4 : 1, event.clientX, event.clientY);
  });
  viewer.addEventListener("close", () => scene.replaceChildren());
  addEventListener("resize", fit);

  // Paper shows what is folded away on a screen.
  addEventListener("beforeprint", () => all("details:not([open])").forEach((part) => { part.open = true; part.dataset.printed = ""; }));
  addEventListener("afterprint", () => all("details[data-printed]").forEach((part) => { part.open = false; delete part.dataset.printed; }));
})();
