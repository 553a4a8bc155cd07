/** Light, dark, or as the system says. */
import { useState } from "react";

const THEMES = ["system", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

const NAMES: Readonly<Record<Theme, string>> = { system: "Auto", light: "Light", dark: "Dark" };

const KEY = "backstop.theme"; // also in public/theme.js

const stored = (): Theme => THEMES.find((theme) => theme === document.documentElement.dataset.theme) ?? "system";

function apply(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // storage is closed: the choice lasts as long as the page
  }
}

export function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(stored);
  const name = NAMES[theme];
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  return (
    <button
      type="button"
      className="quiet"
      aria-label={`${name} theme. Change to ${NAMES[next]}.`}
      onClick={() => {
        apply(next);
        setTheme(next);
      }}
    >
      {name}
    </button>
  );
}
