// Theme, density and palette of the reader before anything is painted; src/hooks/preferences.ts keeps them from then on.
(() => {
  const look = document.documentElement.dataset;
  let chosen = {};
  try {
    chosen = JSON.parse(localStorage.getItem("breakout.preferences")) ?? {};
  } catch {
    // Storage that is forbidden or broken: the system's theme does.
  }
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  look.mantineColorScheme = ["dark", "light"].includes(chosen.theme) ? chosen.theme : system;
  look.density = chosen.density === "comfortable" ? "comfortable" : "compact";
  look.palette = chosen.palette === "colour-blind" ? "colour-blind" : "standard";
  look.navigation = chosen.isNavigationNarrow === true ? "narrow" : "wide";
  look.page = ["/login", "/setup"].includes(location.pathname) || location.hash.startsWith("#/setup") ? "alone" : "framed";
})();
