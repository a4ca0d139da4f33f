// The colour theme: set before the first paint. Whoever has signed in has it from the server, in every browser the same;
// all others from localStorage, under the same key as Django's admin uses, where the server's is left for it, too.
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function stored() {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage may be switched off
    }
  }

  function store(wanted) {
    root.dataset.theme = wanted;
    try {
      localStorage.setItem("theme", wanted);
    } catch {
      // this page shows it all the same
    }
  }

  function show() {
    const known = root.dataset.theme ?? stored();
    const wanted = ["light", "dark"].includes(known) ? known : "auto";
    root.dataset.bsTheme = wanted === "auto" ? (dark.matches ? "dark" : "light") : wanted;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === wanted));
    }
  }

  function choose(event) {
    const button = event.submitter;
    if (!button?.matches("[data-theme-choice]")) return;
    event.preventDefault();
    store(button.value);
    show();
    if (event.target.method !== "post") return; // nobody has signed in
    const body = new FormData(event.target, button);
    fetch(event.target.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" }, keepalive: true }).catch(() => {});
  }

  root.classList.add("js");
  if (root.dataset.theme) store(root.dataset.theme);
  show();
  dark.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("submit", choose);
})();
