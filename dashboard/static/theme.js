// Before anything is drawn, so that nothing flashes: the theme that was chosen; without a choice, the system's.
try {
  const theme = localStorage.getItem("theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* storage is switched off: the system's */ }
