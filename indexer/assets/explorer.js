// What is nicer with a script, and works without: `/` goes to the search box, whole values are copied by a button.
"use strict";

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  document.getElementById("q")?.focus();
});

for (const place of document.querySelectorAll("[data-copy]")) {
  const value = place.querySelector(".hash, code")?.textContent ?? place.textContent;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "copy";
  button.setAttribute("aria-label", `copy ${value.slice(0, 24)}`);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(value);
      button.textContent = "copied";
    } catch {
      // Not every browser lets a page over plain HTTP write: then the value is selected, and the reader copies it.
      getSelection()?.selectAllChildren(place.querySelector(".hash, code") ?? place);
      button.textContent = "selected";
    }
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
  place.append(button);
}
