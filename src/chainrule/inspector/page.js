"use strict";
// Links between the two texts: hover and focus show them, a click keeps them.
(() => {
  const root = document.documentElement;
  root.classList.add("script");
  const detail = document.getElementById("detail");
  const rows = [...document.querySelectorAll(".row")];
  const hint = detail ? detail.innerHTML : "";
  const ids = (text) => (text || "").split(" ").filter(Boolean);
  const partners = (row) => [...ids(row.dataset.to), ...ids(row.dataset.with)]
    .map((id) => document.getElementById(id)).filter(Boolean);
  let pinned = null;

  function show(row) {
    for (const other of rows) other.classList.remove("hit");
    if (row) for (const other of [row, ...partners(row)]) other.classList.add("hit");
    if (detail) {
      if (row) detail.textContent = row.dataset.detail; else detail.innerHTML = hint;
    }
  }

  function visible(row) {
    const box = row.getBoundingClientRect();
    const low = detail ? detail.getBoundingClientRect().top : innerHeight;
    return box.top >= 0 && box.bottom <= low;
  }

  function pin(row) {
    if (pinned) pinned.classList.remove("pin");
    pinned = row === pinned ? null : row;
    show(pinned);
    if (!pinned) return history.replaceState(null, "", location.pathname + location.search);
    pinned.classList.add("pin");
    history.replaceState(null, "", "#" + pinned.id);
    const first = document.getElementById(ids(pinned.dataset.to)[0]);
    if (first && first.offsetParent && !visible(first)) {
      first.scrollIntoView({ block: "center", behavior: "smooth" });
    }
  }

  function focus(row) {
    if (!row) return;
    for (const other of rows) other.tabIndex = -1;
    row.tabIndex = 0;
    row.focus({ preventScroll: true });
    if (!visible(row)) row.scrollIntoView({ block: "nearest" });
  }

  function beside(row, step) {
    const mine = rows.filter((r) => r.offsetParent && r.id[0] === row.id[0]);
    return mine[mine.indexOf(row) + step];
  }

  function across(row) {
    const found = ids(row.dataset.to).map((id) => document.getElementById(id));
    return found.find((r) => r && r.offsetParent);
  }

  const keys = {
    ArrowDown: (row) => focus(beside(row, 1)), j: (row) => focus(beside(row, 1)),
    ArrowUp: (row) => focus(beside(row, -1)), k: (row) => focus(beside(row, -1)),
    ArrowRight: (row) => focus(across(row)), l: (row) => focus(across(row)),
    ArrowLeft: (row) => focus(across(row)), h: (row) => focus(across(row)),
    Enter: pin, " ": pin,
    Escape: () => { if (pinned) pin(pinned); else show(null); },
  };

  for (const row of rows) {
    row.addEventListener("mouseenter", () => show(row));
    row.addEventListener("mouseleave", () => show(pinned));
    row.addEventListener("focus", () => show(row));
    row.addEventListener("blur", () => show(pinned));
    row.addEventListener("click", (event) => {
      if (String(getSelection())) return;
      event.preventDefault();
      focus(row);
      pin(row);
    });
    row.addEventListener("keydown", (event) => {
      const act = keys[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act(row);
    });
  }
  if (rows.length) rows[0].tabIndex = 0;

  const copy = document.getElementById("copy");
  if (copy) copy.addEventListener("click", async () => {
    const text = document.getElementById("source").content.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {  // not allowed to: select it and copy as of old
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });

  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target && target.classList.contains("row")) pin(target);

  // Served live: come back when there is something else to see.
  const live = root.dataset.live;
  if (live) setInterval(async () => {
    try {
      const answer = await fetch("version", { cache: "no-store" });
      if (answer.ok && (await answer.text()) !== live) location.reload();
    } catch { /* the server has gone; what is shown stays */ }
  }, 700);
})();
