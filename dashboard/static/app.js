// What HTML and htmx cannot say: the theme, the menu on phones, renderings in a frame.

function toggleTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* it holds for this page */ }
}

function toggleMenu(button) {
  const isOpen = document.getElementById("places").classList.toggle("is-open");
  button.setAttribute("aria-expanded", String(isOpen));
}

function press(pressed) {
  for (const one of pressed.parentElement.children) one.removeAttribute("aria-current");
  pressed.setAttribute("aria-current", "true");
}

function showFrame(button) {
  const frame = document.createElement("iframe");
  frame.title = button.textContent;
  frame.src = button.dataset.frame;
  document.getElementById("rendering").replaceChildren(frame);
}

document.addEventListener("click", (event) => {
  const pressed = event.target.closest("button, .tabs > a");
  if (!pressed) return;
  if (pressed.matches(".theme-button")) toggleTheme();
  if (pressed.matches(".menu-button")) toggleMenu(pressed);
  if (pressed.matches("[data-frame]")) { showFrame(pressed); press(pressed); }
  if (pressed.matches("[hx-target='#rendering']")) press(pressed);
});

// A filter that is not filled in stands in no address.
document.addEventListener("submit", (event) => {
  for (const field of event.target.querySelectorAll("[data-empty]")) field.disabled = field.value === "";
});

// An anchor never reaches us: it stays in the address while somebody signs in, and goes on with where they wanted to.
function bringAnchor(place) {
  if (place.matches("input")) { place.value += location.hash; return; }
  const address = new URL(place.href);
  address.searchParams.set("then", address.searchParams.get("then") + location.hash);
  place.href = address;
}

if (location.hash) document.querySelectorAll("[data-then]").forEach(bringAnchor);

// What could not be shown is asked for until it can be, and then the page is loaded as a whole.
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.matches("[data-again]") && event.detail.successful) location.reload();
});

// What scrolls is reached by keys, too, for as long as it does; its name is that of the heading above it.
function reachable() {
  for (const place of document.querySelectorAll(".scroll")) {
    const scrolls = place.scrollWidth > place.clientWidth || place.scrollHeight > place.clientHeight;
    const heading = (place.closest("section, details") ?? document).querySelector("h1, h2");
    const words = { tabindex: "0", role: "group", "aria-label": `${heading?.textContent.trim() ?? document.title}, table that scrolls` };
    for (const [name, value] of Object.entries(words)) {
      if (scrolls) place.setAttribute(name, value);
      else place.removeAttribute(name);
    }
  }
}

for (const event of ["htmx:afterSwap", "toggle"]) document.addEventListener(event, reachable, true);
window.addEventListener("resize", reachable);
reachable();

// What moves by itself stays where somebody has scrolled it, and keeps their focus.
let scrolledTo = new Map();

document.addEventListener("htmx:sseBeforeMessage", () => {
  scrolledTo = new Map();
  for (const place of document.querySelectorAll(".scroll[aria-label]")) {
    scrolledTo.set(place.ariaLabel, { left: place.scrollLeft, isFocused: place === document.activeElement });
  }
});

document.addEventListener("htmx:sseMessage", () => {
  for (const place of document.querySelectorAll(".scroll[aria-label]")) {
    const before = scrolledTo.get(place.ariaLabel);
    if (before) place.scrollLeft = before.left;
    if (before?.isFocused) place.focus({ preventScroll: true });
  }
});
