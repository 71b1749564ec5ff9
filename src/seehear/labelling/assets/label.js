"use strict";
// The page on which clips are labelled: what a person does becomes a change, which is saved at once.
(() => {
  const find = (id) => document.getElementById(id);
  const KEYS = "123456789qwetasdfgzxcvbyp"; // of classes, in the order in which they are offered
  const NAMES = { audio: "heard", visual: "seen", audio_visual: "both" };
  const SEGMENT = 1, FINE = 0.1, LEAST = 0.05; // seconds
  const PAGE = 100; // rows of the list that are asked for at once
  const player = find("player"), timeline = find("timeline"), seek = find("seek"), work = find("work");
  const copy = (value) => JSON.parse(JSON.stringify(value));
  const element = (name, fields = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(fields)) key in made && key !== "list" ? (made[key] = value) : made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  let names = [], counts = {}, suggests = false, untrained = false;
  let clip = null; // name of the clip that is shown
  let choice = "person"; // who chose it
  let state = null; // {labels, done, events, timed}: what the person has chosen so far
  let suggestions = [], order = [], randomly = false;
  let duration = 1, begins = 0, partial = false, playable = true, tracks = "awaited"; // tracks: shown, failed or awaited
  let lane = null; // "audio|Dog": where I and O draw
  let begun = null; // seconds: where I was pressed
  let selected = null; // key of the event that is edited
  let drags = false; // an event is being dragged
  let opened = 0; // number of the clip that was opened last

  // Asking the server

  class Refusal extends Error { constructor(answer, status) { super(answer.error || `the server answers ${status}`); this.answer = answer; this.status = status; } }
  const check = (answer) => { // the server may have ended, and another program may have taken its port
    if (answer.headers.has("Seehear-Page")) return answer;
    throw new Refusal({ error: "This is not seehear’s server any more: another program answers at its address. Nothing was sent to it. Run seehear label again, and open the address that it prints." }, answer.status);
  };
  const ask = async (path, body) => {
    const how = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    if (body !== undefined) check(await fetch("/", { method: "HEAD", credentials: "same-origin" })); // nothing is sent to another program
    const answer = check(await fetch(path, { ...how, credentials: "same-origin" }));
    const text = await answer.text();
    let value;
    try { value = JSON.parse(text); } catch { value = { error: text.trim() }; }
    if (!answer.ok) throw new Refusal(value, answer.status);
    return value;
  };
  const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
  const say = (text, failed = false) => { find("saved").textContent = text; find("saved").classList.toggle("failed", failed); };
  const warn = (text) => { find("alert").textContent = text; find("alert").hidden = !text; };
  let note = ""; // what is wrong with the clip that is shown: it stays, other messages go with the next action

  // Saving: one change after the other, each with the version that it was made to

  const versions = new Map(); // clip -> version
  const epochs = new Map(); // clip -> number of conflicts: changes that were made before one are dropped
  let waiting = 0; // changes that are not saved yet
  let chain = Promise.resolve();
  const enqueue = (work_) => { waiting += 1; say("Saving…"); chain = chain.then(work_).catch((error) => { warn(error.message); say("Not saved", true); }).finally(() => { waiting -= 1; }); return chain; };
  const insisting = async (path, body) => { // until the server answers
    for (;;) {
      try { return await ask(path, typeof body === "function" ? body() : body); } catch (error) {
        if (error instanceof Refusal) throw error;
        say("Not saved: the server does not answer. Trying again…", true);
        await wait(1.5);
      }
    }
  };
  const same = (one, other) => JSON.stringify(normal(one)) === JSON.stringify(normal(other));
  const normal = (of) => [of.labels && Object.entries(of.labels).sort(), of.done, of.timed, of.events.map(eventKey).sort()];
  const stateOf = ({ labels, done, events, timed }) => ({ labels, done, events, timed });

  let last = null; // a save that has not begun and may still be replaced
  const save = (replaceable = false) => { // moves of an event, as by a key that is held down, are one change
    if (replaceable && last && last.name === clip) { last.sent = copy(state); return chain; }
    const own = { name: clip, sent: copy(state) }, name = clip, chosen = choice, epoch = epochs.get(name) || 0;
    last = replaceable ? own : null;
    return enqueue(async () => {
      if (last === own) last = null;
      const sent = own.sent;
      if ((epochs.get(name) || 0) !== epoch) return;
      try {
        const answer = await insisting(`/api/clip/${encodeURIComponent(name)}`, () => ({ version: versions.get(name), choice: chosen, state: sent }));
        versions.set(name, answer.version);
        if (name === clip && same(state, sent)) { state = stateOf(answer); render(); }
        saved(answer);
      } catch (error) {
        if (!(error instanceof Refusal) || !error.answer.current) { epochs.set(name, epoch + 1); if (name === clip) await open(name, choice, false); throw error; }
        const current = error.answer.current;
        versions.set(name, current.version);
        if (same(current, sent)) { saved(current); return; } // an answer that was lost
        epochs.set(name, epoch + 1);
        if (name === clip) { state = stateOf(current); render(); }
        warn(`${name} was changed by ${current.by} meanwhile, in another tab or program. You see it as it is now; your change was not saved.`);
        refresh();
        say("Not saved", true);
      }
    });
  };
  const saved = (answer) => {
    if (waiting <= 1) say(answer.labels && !answer.done ? "Draft saved; Enter makes it a label" : "Saved");
    warn(answer.problem || note);
    patchRow(answer);
    refresh();
  };
  addEventListener("beforeunload", (event) => { if (waiting) event.preventDefault(); });

  // Changes

  const change = (labels, rest = {}, replaceable = false) => { state = { ...state, labels, ...rest }; render(); save(replaceable); };
  const toggle = (label) => {
    const labels = { ...state.labels };
    if (label in labels) {
      delete labels[label];
      const events = state.events.filter((event) => event.label !== label);
      change(Object.keys(labels).length ? labels : null, { events, done: state.done && Object.keys(labels).length > 0, timed: state.timed && Object.keys(labels).length > 0 });
    } else { labels[label] = null; lane = null; change(labels); }
  };
  const nothing = () => {
    const is = state.labels !== null && !Object.keys(state.labels).length;
    change(is ? null : {}, { events: [], done: false, timed: false });
  };
  const setModality = (label, modality) => {
    const events = state.events.filter((event) => event.label !== label || !modality || modality === "audio_visual" || event.modality === modality);
    change({ ...state.labels, [label]: modality }, { events });
  };
  const cycle = (label) => {
    if (!state.labels || !(label in state.labels)) { toggle(label); }
    const hint = suggestions.find((one) => one.label === label);
    const ways = [null, ...new Set([...(hint ? [hint.modality] : []), "audio", "visual", "audio_visual"])];
    setModality(label, ways[(ways.indexOf(state.labels[label]) + 1) % ways.length]);
  };
  const setTimed = (timed) => { if (state.labels) change(state.labels, { timed }); else { say("Choose labels first"); render(); } };
  const next = async () => {
    try {
      const answer = await ask(`/api/next?leave_out=${encodeURIComponent(clip || "")}`);
      if (answer.clip) await open(answer.clip, answer.choice); else { say("Every clip is labelled"); refresh(); }
    } catch (error) { warn(error.message); }
  };
  const confirm = async () => {
    if (!state.labels) { say("Choose a class first, or N if nothing of ours is in the clip", true); return; }
    if (!state.done) { state.done = true; render(); save(); }
    const epoch = epochs.get(clip) || 0;
    const name = clip;
    await chain;
    if (!find("saved").classList.contains("failed") && epoch === (epochs.get(name) || 0) && name === clip) await next();
  };
  const undo = () => enqueue(async () => {
    const answer = await ask("/api/undo", {});
    if (!answer.clip) { say("Nothing to undo"); return; }
    versions.set(answer.clip, answer.version);
    if (answer.clip !== clip) await open(answer.clip, answer.choice || "person"); else { state = stateOf(answer); render(); }
    saved(answer);
    say(`Undone in ${answer.clip}`);
  });
  const addClass = async (label) => {
    try {
      const answer = await ask("/api/classes", { label });
      names = answer.names;
      warn(note);
      if (!order.includes(answer.label)) order.push(answer.label);
      if (!state.labels || !(answer.label in state.labels)) toggle(answer.label); else render();
    } catch (error) { warn(error.message); }
  };

  // Events

  const eventKey = (event) => `${event.modality}|${event.label}|${event.onset.toFixed(3)}|${event.offset.toFixed(3)}`;
  const round = (seconds) => Math.round(seconds * 1000) / 1000;
  const within = (seconds) => round(Math.min(Math.max(0, seconds), duration));
  const snapped = (seconds, free) => within(free ? seconds : Math.round(seconds / SEGMENT) * SEGMENT);
  const spanOf = (one, other, free) => { // from the nearest whole second to another, or the second in which both are
    const [from, to] = one < other ? [one, other] : [other, one], onset = snapped(from, free), offset = snapped(to, free);
    if (offset - onset >= LEAST) return [onset, offset];
    const start = Math.floor((from + to) / 2 / SEGMENT) * SEGMENT;
    return [within(Math.min(start, duration - SEGMENT)), within(start + SEGMENT)];
  };
  const lanes = () => ["audio", "visual"].flatMap((modality) => Object.entries(state.labels || {})
    .filter(([label, of]) => !of || of === "audio_visual" || of === modality || state.events.some((event) => event.label === label && event.modality === modality))
    .map(([label]) => `${modality}|${label}`));
  const split = (key) => { const at = key.indexOf("|"); return { modality: key.slice(0, at), label: key.slice(at + 1) }; };
  const selectedEvent = () => state.events.find((event) => eventKey(event) === selected);
  const setEvents = (events, focus, replaceable = false) => {
    selected = focus ? eventKey(focus) : null;
    if (focus) lane = `${focus.modality}|${focus.label}`;
    change(state.labels, { events }, replaceable);
    if (focus) focusOn(selected);
  };
  const draw = (onset, offset, at = lane) => {
    if (!at || offset - onset < LEAST) return;
    const event = { ...split(at), onset: within(onset), offset: within(offset) };
    setEvents([...state.events, event], event);
  };
  const edit = (event, fields) => {
    const edited = { ...event, ...fields };
    edited.onset = within(edited.onset); edited.offset = within(edited.offset);
    if (edited.offset - edited.onset < LEAST) { render(); return; }
    const key = eventKey(event); // the server's answer may have replaced the object
    setEvents(state.events.map((other) => (eventKey(other) === key ? edited : other)), edited, true);
  };
  const remove = (event) => { setEvents(state.events.filter((other) => eventKey(other) !== eventKey(event)), null); focusOn(`lane ${event.modality}|${event.label}`); };
  const moveTo = (event, by) => {
    const all = lanes(), at = all.indexOf(`${event.modality}|${event.label}`) + by;
    if (at in all) edit(event, split(all[at]));
  };
  const takeSuggested = () => {
    const taken = suggestions.flatMap((one) => (state.labels && one.label in state.labels ? one.events : []))
      .filter((event) => event.modality in NAMES && event.modality !== "audio_visual")
      .map(({ modality, label, onset, offset }) => ({ modality, label, onset: within(onset), offset: within(offset) }))
      .filter((event) => event.offset - event.onset >= LEAST);
    if (taken.length) setEvents([...state.events, ...taken], null); else say("No suggested times of the chosen classes");
  };

  // Showing

  const focusOn = (key) => { const found = [...document.querySelectorAll("[data-focus]")].find((each) => each.dataset.focus === key); if (found) found.focus(); };
  const written = (seconds) => {
    const tenths = Math.round(seconds * 10), whole = Math.floor(tenths / 10), minutes = Math.floor(whole / 60);
    return minutes ? `${minutes}:${String(whole % 60).padStart(2, "0")}.${tenths % 10}` : `${whole}.${tenths % 10} s`;
  };

  const render = () => {
    if (drags) return; // the track that is dragged over must stay
    const focus = document.activeElement && document.activeElement.dataset.focus;
    renderClasses();
    renderLanes();
    renderEvent();
    find("nothing").setAttribute("aria-pressed", String(state.labels !== null && !Object.keys(state.labels).length));
    find("timed").checked = state.timed;
    find("take").hidden = !suggestions.some((one) => one.events.length);
    if (focus) focusOn(focus);
  };

  const renderClasses = () => {
    find("classes").replaceChildren(...order.map((label, n) => {
      const hint = suggestions.find((one) => one.label === label), on = Boolean(state.labels && label in state.labels), key = KEYS[n];
      const button = element("button", { type: "button", className: `class${hint ? ` suggested of-${hint.modality}` : ""}` });
      button.dataset.focus = `class ${label}`;
      button.setAttribute("aria-pressed", String(on));
      if (key) button.setAttribute("aria-keyshortcuts", key.toUpperCase());
      button.append(element("kbd", { textContent: key ? key.toUpperCase() : "" }), element("span", { textContent: label }));
      button.append(element("span", { className: "quiet number", textContent: hint ? `${NAMES[hint.modality] || hint.modality} ${hint.confidence.toFixed(2)}${untrained || hint.untrained ? " untrained" : ""}` : counts[label] === 1 ? "1 clip" : `${counts[label] || 0} clips`, title: hint ? (untrained || hint.untrained ? "suggested by networks that were not trained on this class" : "suggested") : "labelled clips with this class" }));
      button.addEventListener("click", (event) => { toggle(label); if (event.detail) work.focus({ preventScroll: true }); });
      const row = element("li", { className: "class-row" }, button);
      if (on) row.append(modalityOf(label, n));
      return row;
    }));
    find("others").replaceChildren();
  };
  const modalityOf = (label, n) => {
    const group = element("fieldset", { className: "modality" }, element("legend", { className: "visually-hidden", textContent: `${label} is` }));
    for (const [value, text] of [["audio", "heard"], ["visual", "seen"], ["audio_visual", "both"], ["", "don’t know"]]) {
      const radio = element("input", { type: "radio", name: `modality-${n}`, value, checked: (state.labels[label] || "") === value });
      radio.dataset.focus = `modality ${label} ${value}`;
      radio.addEventListener("change", () => setModality(label, value || null));
      group.append(element("label", {}, radio, text));
    }
    return group;
  };

  const place = (node, onset, offset) => { node.style.left = `${(100 * onset) / duration}%`; node.style.width = `${(100 * (offset - onset)) / duration}%`; };
  const renderLanes = () => {
    const all = lanes();
    if (!all.includes(lane)) lane = all[0] || null;
    for (const modality of ["audio", "visual"]) {
      const own = all.map(split).filter((each) => each.modality === modality);
      find(`lanes-${modality}`).replaceChildren(...own.map(({ label }) => renderLane(modality, label)),
        ...(own.length ? [] : [element("p", { className: "lanes-none", textContent: `Choose a class that may be ${NAMES[modality]} to draw its events.` })]));
    }
  };
  const renderLane = (modality, label) => {
    const key = `${modality}|${label}`;
    const track = element("div", { className: "track", tabIndex: 0, role: "group" });
    track.setAttribute("aria-label", `${label}, ${NAMES[modality]}: press I and O to draw an event`);
    track.dataset.focus = `lane ${key}`;
    track.addEventListener("focusin", () => { lane = key; for (const each of timeline.querySelectorAll(".lane")) each.classList.toggle("active", each.dataset.key === key); });
    const events = state.events.filter((event) => event.modality === modality && event.label === label);
    for (const event of events) track.append(renderedEvent(event, track));
    track.addEventListener("pointerdown", (down) => { if (down.target === track && down.button === 0) dragNew(down, track, key); });
    const row = element("div", { className: `row lane${lane === key ? " active" : ""}` }, element("div", { className: "name", textContent: label }), track);
    row.dataset.key = key;
    return row;
  };
  const renderedEvent = (event, track) => {
    const key = eventKey(event), button = element("button", { type: "button", className: "event" });
    button.dataset.focus = key;
    button.setAttribute("aria-label", `${event.label}, ${NAMES[event.modality]}, ${written(event.onset)} to ${written(event.offset)}`);
    button.setAttribute("aria-current", String(key === selected));
    place(button, event.onset, event.offset);
    button.addEventListener("focus", () => select(key));
    button.addEventListener("pointerdown", (down) => { if (down.button === 0) dragEvent(down, track, event, button); });
    return button;
  };
  const select = (key) => {
    if (selected === key) return;
    selected = key;
    for (const each of timeline.querySelectorAll(".event")) each.setAttribute("aria-current", String(each.dataset.focus === key));
    renderEvent();
  };
  const renderEvent = () => {
    const event = selectedEvent();
    find("event").hidden = !event;
    if (!event) return;
    find("event-label").replaceChildren(...Object.keys(state.labels).map((label) => element("option", { value: label, textContent: label, selected: label === event.label })));
    find("event-modality").value = event.modality;
    for (const end_ of ["onset", "offset"]) if (document.activeElement !== find(`event-${end_}`)) find(`event-${end_}`).value = event[end_];
    find("event-onset").max = find("event-offset").max = duration;
  };

  // Dragging

  const timeAt = (track, x) => { const box = track.getBoundingClientRect(); return within(((x - box.left) / box.width) * duration); };
  const dragging = (down, move, end) => {
    drags = true;
    const finish = (up) => { drags = false; removeEventListener("pointermove", move); removeEventListener("pointerup", finish); removeEventListener("pointercancel", finish); end(up); render(); };
    addEventListener("pointermove", move); addEventListener("pointerup", finish); addEventListener("pointercancel", finish);
  };
  const dragNew = (down, track, key) => {
    const from = timeAt(track, down.clientX), preview = element("div", { className: "event new" });
    let span = null;
    lane = key;
    dragging(down, (move) => {
      if (Math.abs(move.clientX - down.clientX) < 4 && !span) return;
      const to = timeAt(track, move.clientX);
      span = spanOf(from, to, move.altKey);
      track.append(preview); place(preview, ...span);
    }, (up) => {
      preview.remove();
      if (span && up.type === "pointerup") draw(span[0], span[1], key); else if (up.type === "pointerup") go(from);
    });
  };
  const dragEvent = (down, track, event, button) => {
    const box = button.getBoundingClientRect(), edge = Math.min(10, box.width / 3), from = timeAt(track, down.clientX);
    const how = down.clientX - box.left < edge ? "onset" : box.right - down.clientX < edge ? "offset" : "both";
    let fields = null;
    dragging(down, (move) => {
      if (Math.abs(move.clientX - down.clientX) < 4 && !fields) return;
      const by = timeAt(track, move.clientX) - from, free = move.altKey;
      if (how === "both") { const onset = Math.min(snapped(event.onset + by, free), duration - (event.offset - event.onset)); fields = { onset, offset: onset + event.offset - event.onset }; }
      else fields = { [how]: snapped(event[how] + by, free) };
      const shown = { ...event, ...fields };
      if (shown.offset > shown.onset) place(button, shown.onset, shown.offset);
    }, (up) => { if (fields && up.type === "pointerup") edit(event, fields); else { button.focus(); if (!fields) go(event.onset); } });
    down.preventDefault();
  };

  // Playing

  // A clip may be a part of its file: the player's time is that of the file.
  const at = () => (playable ? Math.max(0, player.currentTime - begins) : Number(seek.value));
  const show = () => {
    timeline.style.setProperty("--now", Math.min(1, at() / duration));
    if (document.activeElement !== seek && playable) seek.value = at();
    find("now").value = written(at());
    if (partial && playable && !player.paused && at() >= duration) { if (find("loop").checked) player.currentTime = begins; else player.pause(); }
  };
  const go = (seconds) => { const to = within(seconds); seek.value = to; if (playable) player.currentTime = begins + to; show(); };
  const play = () => { if (!playable) return; if (partial && at() >= duration - 0.05) player.currentTime = begins; player.play().catch(() => {}); };
  const playPause = () => { player.paused ? play() : player.pause(); };
  const frame = () => { show(); if (!player.paused) requestAnimationFrame(frame); };
  const setRate = (rate) => { player.playbackRate = rate; find("rate").textContent = rate === 1 ? "" : `${rate}×`; };
  const setDuration = (seconds) => {
    if (!(seconds > 0) || !Number.isFinite(seconds)) return;
    duration = seconds; seek.max = duration;
    const step = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600].find((each) => duration / each <= 12) || 7200;
    find("ticks").replaceChildren(...Array.from({ length: Math.floor(duration / step) + 1 }, (_, n) => { const tick = element("span", { textContent: written(n * step) }); tick.style.left = `${(100 * n * step) / duration}%`; return tick; }));
    if (state) render();
    show();
  };
  player.addEventListener("play", () => { find("play").textContent = "Pause"; frame(); });
  player.addEventListener("pause", () => { find("play").textContent = "Play"; show(); });
  player.addEventListener("timeupdate", show);
  player.addEventListener("seeked", show);
  player.addEventListener("loadedmetadata", () => { if (!partial) setDuration(player.duration); setRate(1); });
  player.addEventListener("error", () => { if (player.getAttribute("src")) { playable = false; unplayable(); } });
  seek.addEventListener("input", () => go(Number(seek.value)));
  find("loop").addEventListener("change", (event) => { player.loop = event.target.checked && !partial; });
  player.addEventListener("click", playPause);
  for (const track of timeline.querySelectorAll("[data-seek]")) track.addEventListener("click", (event) => go(timeAt(track, event.clientX)));

  // Clips

  const open = async (name, by, fresh = true) => {
    const number = (opened += 1);
    let answer;
    try { answer = await ask(`/api/clip/${encodeURIComponent(name)}`); } catch (error) { warn(error.message); return; }
    if (number !== opened) return; // another one was opened meanwhile
    if (fresh) { note = answer.failure ? `There are no suggestions for this clip: ${answer.failure}` : ""; warn(note); }
    clip = name; choice = answer.choice || by; state = stateOf(answer); versions.set(name, answer.version);
    suggestions = answer.suggestions; randomly = choice === "random";
    const first = [...suggestions.map((one) => one.label), ...Object.keys(state.labels || {})];
    order = [...new Set([...first, ...names])];
    selected = null; begun = null; lane = null; find("in").hidden = true;
    find("name").textContent = name; document.title = `${name} · label · seehear`;
    find("chosen").textContent = randomly ? "Drawn by chance: it validates, and is not trained on." : choice === "unsure" ? whyNext(answer.known) : answer.is_random ? "You opened it: it does not validate." : "";
    find("chosen").classList.toggle("random", randomly);
    history.replaceState(null, "", `#clip=${encodeURIComponent(name)}&choice=${by}`);
    if (fresh) {
      playable = true;
      begins = answer.begins; partial = answer.fragment !== "";
      player.src = `/media/${encodeURIComponent(name)}${answer.fragment}`; player.loop = find("loop").checked && !partial;
      showTracks(name, number);
      play();
    }
    render();
    markRow();
  };
  const unknowing = () => untrained || (suggestions.length > 0 && suggestions.every((one) => one.untrained));
  const whyNext = (known) => (!suggests ? "Next in line." : !known ? "Next in line: nothing is known of it yet." : unknowing() ? "Chosen because the untrained networks are unsure of it." : "Chosen because the model is unsure of it.");
  const unplayable = () => {
    find("unplayable").hidden = playable;
    find("unplayable").textContent = tracks === "shown" ? "This browser can’t play the clip. Its tracks below are complete." : tracks === "failed" ? "The clip can’t be decoded: it can neither be played nor shown." : "This browser can’t play the clip.";
  };
  const showTracks = async (name, number) => {
    find("spectrogram").replaceChildren(); find("thumbnails").replaceChildren();
    tracks = "awaited"; unplayable();
    try {
      const answer = await ask(`/api/overview/${encodeURIComponent(name)}`);
      if (number !== opened && name !== clip) return;
      if (partial || !playable || !(player.duration > 0)) setDuration(answer.duration);
      if (answer.spectrogram) find("spectrogram").replaceChildren(element("img", { src: answer.spectrogram, alt: "Spectrogram" }));
      find("thumbnails").replaceChildren(...answer.thumbnails.map((src) => element("img", { src, alt: "" })));
      tracks = "shown"; unplayable();
    } catch (error) { if (name === clip) { tracks = "failed"; unplayable(); note = error.message; warn(note); } }
  };

  // Progress

  let refreshing = null;
  const refresh = () => { clearTimeout(refreshing); refreshing = setTimeout(() => refreshNow().catch(() => {}), 150); };
  const refreshNow = async () => {
    const answer = await ask("/api/state");
    names = answer.names; counts = answer.classes; suggests = answer.suggests; untrained = answer.untrained;
    find("progress").max = Math.max(1, answer.clips); find("progress").value = answer.labelled;
    find("done").textContent = `${answer.labelled} of ${answer.clips} labelled, ${answer.random} random`;
    const chosen = find("with").value;
    find("with").replaceChildren(element("option", { value: "", textContent: "any" }), ...names.map((label) => element("option", { value: label, textContent: `${label} (${counts[label] || 0})`, selected: label === chosen })));
    const failures = find("failures");
    failures.hidden = !answer.failures;
    failures.querySelector("summary").textContent = `${answer.failures} clips or files that can’t be used, or have no suggestions`;
    failures.querySelector("ul").replaceChildren(...answer.failed.map((text) => element("li", { textContent: text })));
    if (answer.problem) warn(answer.problem);
    if (state) { order.push(...names.filter((label) => !order.includes(label))); render(); }
  };
  const showRound = async () => {
    const answer = await ask("/api/round");
    find("round").textContent = [answer.round ? answer.round.text : "", answer.scoring ? "Scoring the run…" : ""].filter(Boolean).join(" · ");
    if (answer.round) find("round").title = "F1 of each clip's set of classes, per cent, against the labels as they are now, with a 95 % interval over clips";
    if (answer.scoring) setTimeout(() => showRound().catch(() => {}), 3000);
  };

  // The list: rows are asked for when they come into sight

  const list = find("list"), rows = find("rows");
  const ROW = 44; // pixels, as in label.css
  let pages = new Map(), total = 0, listing = 0;
  const query = () => new URLSearchParams({ status: find("status").value, label: find("with").value, text: find("text").value.trim() });
  const reload = () => { pages = new Map(); listing += 1; list.scrollTop = 0; return fetchPage(0); };
  const fetchPage = async (number) => {
    if (pages.has(number)) return;
    pages.set(number, []);
    const now = listing, ask_ = query();
    ask_.set("offset", number * PAGE); ask_.set("limit", PAGE);
    try {
      const answer = await ask(`/api/clips?${ask_}`);
      if (now !== listing) return;
      pages.set(number, answer.rows); total = answer.total;
      find("total").textContent = `${total}`;
      rows.style.height = `${total * ROW}px`;
      paint();
    } catch (error) { pages.delete(number); }
  };
  const rowAt = (n) => (pages.get(Math.floor(n / PAGE)) || [])[n % PAGE];
  const MARKS = { labelled: "✓", nothing: "∅", draft: "…", unlabelled: "" };
  const paint = () => {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 5), last = Math.min(total, first + Math.ceil(list.clientHeight / ROW) + 10);
    for (let page = Math.floor(first / PAGE); page <= Math.floor(Math.max(first, last - 1) / PAGE); page += 1) fetchPage(page);
    const focus = document.activeElement && document.activeElement.dataset.row;
    const shown = [];
    for (let n = first; n < last; n += 1) {
      const row = rowAt(n);
      if (!row) continue;
      const button = element("button", { type: "button", className: row.status });
      button.dataset.row = row.clip;
      button.setAttribute("aria-current", String(row.clip === clip));
      button.append(element("i", { textContent: MARKS[row.status], title: row.status }), element("span", { textContent: row.clip }), element("small", { textContent: [row.labels.join(", ") || (row.status === "nothing" ? "nothing of ours" : ""), row.random ? "random" : ""].filter(Boolean).join(" · ") }));
      button.addEventListener("click", () => openFound(row.clip));
      const item = element("li", {}, button);
      item.setAttribute("aria-setsize", total); item.setAttribute("aria-posinset", n + 1);
      item.style.top = `${n * ROW}px`;
      shown.push(item);
    }
    rows.replaceChildren(...shown);
    if (focus) { const again = [...rows.querySelectorAll("button")].find((each) => each.dataset.row === focus); if (again) again.focus({ preventScroll: true }); }
  };
  const patchRow = (answer) => {
    for (const page of pages.values()) for (const row of page) if (row.clip === answer.clip) { row.status = answer.status || row.status; row.labels = Object.keys(answer.labels || {}); }
    paint();
  };
  const openFound = (name) => { work.focus({ preventScroll: true }); return open(name, "person"); }; // Enter saves from then on
  const markRow = () => { for (const button of rows.querySelectorAll("button")) button.setAttribute("aria-current", String(button.dataset.row === clip)); };
  list.addEventListener("scroll", () => requestAnimationFrame(paint));
  let typing = null;
  for (const id of ["status", "with"]) find(id).addEventListener("change", reload);
  find("text").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(reload, 200); });
  find("text").addEventListener("keydown", async (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    clearTimeout(typing);
    await reload();
    if (rowAt(0)) openFound(rowAt(0).clip); else say("No clip has this name", true);
  });
  find("list-box").addEventListener("toggle", paint);
  addEventListener("resize", paint);

  // Buttons

  const pressed = (id, act) => find(id).addEventListener("click", (event) => { act(); if (event.detail) work.focus({ preventScroll: true }); });
  pressed("nothing", nothing); pressed("save", confirm); pressed("undo", undo); pressed("skip", next); pressed("take", takeSuggested); pressed("play", playPause);
  for (const summary of document.querySelectorAll("summary")) summary.addEventListener("click", (event) => { if (event.detail) work.focus({ preventScroll: true }); });
  find("help").addEventListener("close", () => work.focus({ preventScroll: true }));
  find("timed").addEventListener("change", (event) => setTimed(event.target.checked));
  find("add").addEventListener("submit", (event) => { event.preventDefault(); const label = find("new").value.trim(); if (label) addClass(label); find("new").value = ""; find("new").blur(); });
  find("event-label").addEventListener("change", (event) => edit(selectedEvent(), { label: event.target.value }));
  find("event-modality").addEventListener("change", (event) => edit(selectedEvent(), { modality: event.target.value }));
  for (const end of ["onset", "offset"]) find(`event-${end}`).addEventListener("change", (event) => { const of = selectedEvent(); if (of) edit(of, { [end]: Number(event.target.value) }); });
  find("event-delete").addEventListener("click", () => remove(selectedEvent()));
  find("help-button").addEventListener("click", () => find("help").showModal());

  // Keys

  const onEvent = (event, drawn) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key], step = (event.altKey ? FINE : SEGMENT) * by;
    if (by) {
      if (event.shiftKey) edit(drawn, { offset: drawn.offset + step });
      else { const length = drawn.offset - drawn.onset, onset = Math.min(Math.max(0, drawn.onset + step), duration - length); edit(drawn, { onset, offset: onset + length }); }
    } else if (event.key === "ArrowUp") moveTo(drawn, -1);
    else if (event.key === "ArrowDown") moveTo(drawn, 1);
    else if (event.key === "Delete" || event.key === "Backspace") remove(drawn);
    else if (event.key === "[") edit(drawn, { onset: snapped(at(), event.altKey) });
    else if (event.key === "]") edit(drawn, { offset: snapped(at(), event.altKey) });
    else return false;
    return true;
  };
  const begin = (free) => { begun = snapped(at(), free); find("in").style.setProperty("--now", begun / duration); find("in").hidden = false; say(`An event begins at ${written(begun)}`); };
  const end = (free) => {
    if (!lane) { say("Choose a class first", true); return; }
    const span = spanOf(begun === null ? at() : begun, at(), free);
    begun = null; find("in").hidden = true;
    draw(...span);
  };
  const ACTIONS = {
    n: nothing, 0: nothing, u: undo, m: () => setTimed(!state.timed), h: takeSuggested, r: () => { find("loop").click(); },
    " ": playPause, k: () => player.pause(), l: () => { if (player.paused) { setRate(1); play(); } else setRate(Math.min(4, player.playbackRate * 1.5)); },
    j: () => go(at() - SEGMENT), Enter: confirm, "+": () => find("new").focus(), ".": next, "/": () => { find("list-box").open = true; find("text").focus(); },
    "?": () => find("help").showModal(), Escape: () => { select(null); begun = null; find("in").hidden = true; work.focus({ preventScroll: true }); },
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.isComposing || find("help").open || !state) return;
    const target = event.target, kind = target.tagName;
    if (kind === "SELECT" || kind === "TEXTAREA" || (kind === "INPUT" && !["checkbox", "radio", "range"].includes(target.type))) { if (event.key === "Escape") work.focus({ preventScroll: true }); return; }
    if (kind === "INPUT" && (event.key.startsWith("Arrow") || event.key === " ")) return;
    const own = target.dataset.focus, drawn = target.classList.contains("event") && selectedEvent();
    if (kind === "BUTTON" && !own && (event.key === "Enter" || event.key === " ")) return; // what the button does
    if (kind === "SUMMARY" && (event.key === "Enter" || event.key === " ")) return;
    if (kind === "BUTTON" && event.key === " " && target.classList.contains("class")) return;
    if (drawn && onEvent(event, drawn)) { event.preventDefault(); return; }
    const digit = /^(Digit|Numpad)[0-9]$/.test(event.code) ? event.code.slice(-1) : null;
    const key = digit && (event.shiftKey || event.key === digit) ? digit : event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.code === "KeyI" || key === "i") { if (event.shiftKey) return; begin(event.altKey); event.preventDefault(); return; }
    if (event.code === "KeyO" || key === "o") { if (event.shiftKey) return; end(event.altKey); event.preventDefault(); return; }
    if (event.altKey) return;
    if (key === "ArrowLeft" || key === "ArrowRight") { go(at() + (key === "ArrowLeft" ? -1 : 1) * (event.shiftKey ? FINE : SEGMENT)); event.preventDefault(); return; }
    const n = KEYS.indexOf(key);
    if (key.length === 1 && n >= 0 && n < order.length) { if (event.repeat) return; event.shiftKey ? cycle(order[n]) : toggle(order[n]); event.preventDefault(); return; }
    if (key in ACTIONS && !(event.repeat && (key === "Enter" || key === "n" || key === "0"))) { ACTIONS[key](); event.preventDefault(); }
  });

  // Begin

  const start = async () => {
    if (matchMedia("(max-width: 44rem)").matches) find("list-box").open = false;
    try {
      await refreshNow();
      reload();
      showRound().catch(() => {});
      const fields = new URLSearchParams(location.hash.slice(1));
      if (fields.get("clip")) await open(fields.get("clip"), ["random", "unsure"].includes(fields.get("choice")) ? fields.get("choice") : "person");
      if (!clip) await next();
      work.focus({ preventScroll: true });
    } catch (error) { warn(error.message); }
  };
  start();
})();
