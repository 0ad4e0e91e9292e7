
"use strict";
const controls = document.getElementById("controls");
const matches = document.getElementById("matches");
const findings = [...document.querySelectorAll(".finding")];
const foldable = [...document.querySelectorAll("details.finding")];
const texts = new Map(findings.map((finding) => [finding, finding.textContent.toLowerCase()]));

function filter() {
  const chosen = new FormData(controls);
  const verdicts = chosen.getAll("verdict");
  const section = chosen.get("section");
  const words = chosen.get("text").toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const finding of findings) {
    const { verdict, section: own } = finding.dataset;
    const fits = verdicts.includes(verdict) && (!section || own === section);
    finding.hidden = !(fits && words.every((word) => texts.get(finding).includes(word)));
    shown += finding.hidden ? 0 : 1;
  }
  for (const group of document.querySelectorAll(".reason, .group")) {
    group.hidden = !group.querySelector(".finding:not([hidden])");
  }
  matches.textContent = `${shown} of ${findings.length} findings`;
}

function fold(open) {
  for (const finding of foldable) if (!finding.hidden) finding.open = open;
}

function showTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
  if (target?.parentElement.closest("details")) target.parentElement.closest("details").open = true;
}

async function copy(button) {
  const code = button.closest(".reproduce").querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    // Without the clipboard the lines are at least selected: one key copies them.
    getSelection().selectAllChildren(code);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

for (const button of document.querySelectorAll(".copy")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
document.getElementById("unfold").addEventListener("click", () => fold(true));
document.getElementById("fold").addEventListener("click", () => fold(false));
controls.addEventListener("input", filter);
controls.addEventListener("submit", (event) => event.preventDefault());
controls.hidden = findings.length === 0;
addEventListener("hashchange", showTarget);
showTarget();
filter();
