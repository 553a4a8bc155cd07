// Before the first paint: the theme that was chosen here last. Nothing chosen: the system's.
try {
  const theme = localStorage.getItem("backstop.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // storage is closed: the system's theme it is
}
