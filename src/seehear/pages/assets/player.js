"use strict";
// Plays the clip and moves the play head along its tracks. The page shows all results without this script.
(() => {
  const find = (id) => document.getElementById(id);
  const { duration, begins, partial } = JSON.parse(find("data").textContent); // the clip may be a part of its file
  const player = find("player"), seek = find("seek"), head = find("head"), timeline = find("timeline"), scroll = find("scroll");
  const play = find("play"), here = find("here"), now = find("now"), copied = find("copied");
  const events = [...timeline.querySelectorAll(".event")].map((button) => ({
    button, onset: Number(button.dataset.onset), offset: Number(button.dataset.offset),
  }));
  const boxes = [...document.querySelectorAll("#classes input")];
  let at = 0; // seconds: the player's time, or our own if the clip can't be played
  let until = Infinity; // end of the event that is being played
  let playable = !find("elsewhere");
  let stopped = null; // the event's button on which Space has just paused the clip

  play.disabled = !playable;
  const clip = find("clip");
  if (clip) { // the page holds the media file
    const bytes = Uint8Array.from(atob(clip.textContent), (character) => character.charCodeAt(0));
    player.src = URL.createObjectURL(new Blob([bytes], { type: clip.dataset.type }));
  }

  // As the page writes seconds, see page.py
  const written = (seconds) => {
    const tenths = Math.round(seconds * 10), whole = Math.floor(tenths / 10), tenth = tenths % 10;
    const minutes = Math.floor(whole / 60), hours = Math.floor(minutes / 60), two = (n) => String(n).padStart(2, "0");
    if (hours) return `${hours}:${two(minutes % 60)}:${two(whole % 60)}.${tenth}`;
    return minutes ? `${minutes}:${two(whole % 60)}.${tenth}` : `${whole}.${tenth} s`;
  };

  const hidden = () => boxes.filter((box) => !box.checked).map((box) => box.value);

  const link = () => {
    const parts = [`t=${at.toFixed(1)}`];
    if (hidden().length) parts.push(`hide=${hidden().map(encodeURIComponent).join(",")}`);
    return `#${parts.join("&")}`;
  };

  const show = () => {
    const share = Math.min(1, at / duration);
    timeline.style.setProperty("--now", share);
    if (document.activeElement !== seek) seek.value = at;
    now.value = written(at);
    here.href = link();
    for (const { button, onset, offset } of events) button.classList.toggle("now", onset <= at && at < offset);
    const names = timeline.querySelector(".name").offsetWidth;
    const x = names + (timeline.offsetWidth - names) * share;
    if (x < scroll.scrollLeft + names || x > scroll.scrollLeft + scroll.clientWidth) scroll.scrollLeft = x - scroll.clientWidth / 2;
  };

  const go = (seconds) => {
    at = Math.min(Math.max(0, seconds), duration);
    if (playable) player.currentTime = begins + at;
    show();
  };

  const tick = () => {
    if (!playable) return;
    at = Math.max(0, player.currentTime - begins);
    if (at >= until) { player.pause(); until = Infinity; }
    if (partial && (at >= duration || player.currentTime < begins - 0.1)) {
      if (at >= duration) player.pause();
      at = Math.min(at, duration);
      if (player.currentTime > begins + duration + 0.1 || player.currentTime < begins - 0.1) player.currentTime = begins + at;
    }
    show();
  };

  const loop = () => { tick(); if (!player.paused) requestAnimationFrame(loop); };

  const start = () => {
    if (!playable) return;
    if (partial && at >= duration - 0.05) go(0);
    player.play().catch(() => {});
  };

  player.addEventListener("play", () => { play.textContent = "Pause"; loop(); });
  player.addEventListener("pause", () => { play.textContent = "Play"; until = Infinity; show(); });
  player.addEventListener("timeupdate", tick); // also while the page is in the background
  player.addEventListener("seeked", tick);
  player.addEventListener("error", () => { playable = false; play.disabled = true; find("unplayable").hidden = false; });
  if (player.error) player.dispatchEvent(new Event("error"));

  play.addEventListener("click", () => { until = Infinity; player.paused ? start() : player.pause(); });
  seek.addEventListener("input", () => { until = Infinity; go(Number(seek.value)); });
  for (const { button, onset, offset } of events) {
    button.addEventListener("click", (event) => { event.stopPropagation(); go(onset); until = offset; start(); });
  }
  for (const track of timeline.querySelectorAll("[data-seek]")) {
    track.addEventListener("click", (event) => {
      const box = track.getBoundingClientRect();
      until = Infinity;
      go((event.clientX - box.left) / box.width * duration);
    });
  }

  document.addEventListener("keydown", (event) => {
    const arrow = event.key.startsWith("Arrow"), on = (names) => event.target.closest(names);
    if (event.ctrlKey || event.altKey || event.metaKey || on("input[type=range], select, summary, video, audio")) return;
    // Space pauses what an event's button began; on any other button, box or link it keeps its usual effect.
    if (!arrow && on("input, button, a") && !(on(".event") && !player.paused)) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) go(at + step);
    else if (event.key === " ") { play.click(); stopped = event.target; }
    else return;
    event.preventDefault();
  });

  // A button is clicked when Space is released.
  document.addEventListener("keyup", (event) => { if (event.key === " " && event.target === stopped) event.preventDefault(); stopped = null; });

  here.addEventListener("click", (event) => {
    event.preventDefault();
    history.replaceState(null, "", here.href);
    const done = () => { copied.textContent = "copied"; }, failed = () => { copied.textContent = "now in the address bar"; };
    navigator.clipboard ? navigator.clipboard.writeText(location.href).then(done, failed) : failed();
    setTimeout(() => { copied.textContent = ""; }, 3000);
  });

  const filter = () => {
    const unchecked = new Set(hidden());
    for (const row of document.querySelectorAll(".lane")) row.hidden = unchecked.has(row.dataset.label);
    here.href = link();
  };
  for (const box of boxes) box.addEventListener("change", filter);

  const toggle = (id, name) => {
    const box = find(id);
    if (box) box.addEventListener("change", () => timeline.classList.toggle(name, !box.checked));
  };
  toggle("show-predicted", "no-predicted");
  toggle("show-truth", "no-truth");
  find("zoom").addEventListener("change", (event) => { timeline.style.setProperty("--zoom", event.target.value); show(); });

  const follow = () => { // a link to a time: #t=3.2&hide=Dog,Cat
    const fields = new Map(location.hash.slice(1).split("&").map((part) => part.split("=")));
    const unchecked = new Set((fields.get("hide") || "").split(",").map((label) => { try { return decodeURIComponent(label); } catch { return ""; } }));
    if (fields.has("hide")) for (const box of boxes) box.checked = !unchecked.has(box.value);
    filter();
    const time = Number(fields.get("t"));
    if (fields.has("t") && Number.isFinite(time)) go(time);
  };
  addEventListener("hashchange", follow);
  addEventListener("beforeprint", () => { find("list").open = true; });

  here.hidden = location.protocol === "about:"; // a frame of text, as in a notebook, has no address
  for (const element of [find("controls"), find("classes"), seek, head, find("keys")]) if (element) element.hidden = false;
  follow();
  if (player.readyState < 1) player.addEventListener("loadedmetadata", () => go(at), { once: true });
  show();
})();
