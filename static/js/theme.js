// In <head>, before anything is painted: "auto" follows the system, without a flash.
(() => {
  "use strict";
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const chosen = root.dataset.theme;
    root.setAttribute("data-bs-theme", chosen === "light" || chosen === "dark" ? chosen : dark.matches ? "dark" : "light");
  };
  root.classList.add("js");
  apply();
  dark.addEventListener("change", apply);
  window.mqadminTheme = (chosen) => {
    root.dataset.theme = chosen;
    const secure = location.protocol === "https:" ? ";secure" : "";
    document.cookie = `mqadmin_theme=${chosen};path=${root.dataset.path};max-age=31536000;samesite=lax${secure}`;
    apply();
  };
})();
