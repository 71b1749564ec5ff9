"use strict";
// Searches clips by their events. Without this script, the page lists as many clips as have room.
(() => {
  const MOMENTS = 8; // matches named per clip
  const STEP = 200; // cards shown at once
  const find = (id) => document.getElementById(id);
  const { modalities, classes, clips, named, notes } = JSON.parse(find("data").textContent);
  const label = find("label"), relation = find("relation"), order = find("order"), cards = find("cards"), more = find("more"), noted = find("noted"); // the last only if a clip has notes
  const items = new Map([...cards.children].map((card, n) => [n, card])); // cards are kept once made
  let matches = []; // number of a clip and its matching spans, in the order shown
  let room = STEP;

  const make = (tag, text, ...children) => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    element.append(...children);
    return element;
  };

  // As folder.html makes them
  const card = (n) => {
    if (items.has(n)) return items.get(n);
    const [name, page, duration, events, empty, ofClip] = clips[n];
    const link = make(page ? "a" : "span", name);
    if (page) link.href = page;
    const length = make("span", duration);
    length.className = "quiet number";
    const title = make("div", "", link, " ", length);
    title.className = "title";
    const list = document.createElement("dl");
    modalities.forEach(([words, tone], m) => {
      const lengths = new Map();
      for (const [one, modality, onset, offset] of events) if (modality === m) lengths.set(one, (lengths.get(one) || 0) + offset - onset);
      const longest = [...lengths.keys()].sort((a, b) => lengths.get(b) - lengths.get(a) || a - b).map((one) => classes[one]);
      const mark = document.createElement("span");
      mark.className = "mark";
      const term = make("dt", "", mark, words);
      term.className = tone;
      const rest = longest.length > named ? ` … and ${longest.length - named} more` : "";
      list.append(term, make("dd", (longest.slice(0, named).join(", ") || empty[m] || "–") + rest));
    });
    const moments = make("p");
    moments.className = "moments";
    const remarks = ofClip.map((number) => {
      const [words, missing] = notes[number], remark = make("li", words);
      if (missing) remark.className = "missing";
      return remark;
    });
    const remarked = make("ul", "", ...remarks);
    remarked.className = "notes";
    remarked.setAttribute("aria-label", "Notes on the clip");
    const made = make("li", "", title, list, ...(remarks.length ? [remarked] : []), moments);
    made.className = "card";
    items.set(n, made);
    return made;
  };

  // Spans in order, joined where they touch
  const union = (all) => {
    const joined = [];
    for (const [onset, offset] of all.sort((a, b) => a[0] - b[0])) {
      const last = joined[joined.length - 1];
      if (last && onset <= last[1]) last[1] = Math.max(last[1], offset); else joined.push([onset, offset]);
    }
    return joined;
  };

  const spans = (events, label, modality) => (
    union(events.filter((event) => event[0] === label && event[1] === modality).map(([, , onset, offset]) => [onset, offset]))
  );

  // The parts of the first spans that lie in none of the second
  const without = (spans, others) => others.reduce((left, [from, to]) => left.flatMap(([onset, offset]) => (
    to <= onset || from >= offset ? [[onset, offset]] : [[onset, from], [to, offset]].filter(([a, b]) => b > a)
  )), spans);

  // Class by class: a cat that is seen is not a dog that is heard.
  const moments = (events, labels, relation) => {
    const [inside, outside] = relation.split("-").map(Number);
    return union([...labels].flatMap((one) => {
      if (relation === "") return [...new Set(events.map((event) => event[1]))].flatMap((modality) => spans(events, one, modality));
      const all = spans(events, one, inside);
      return outside === undefined ? all : without(all, spans(events, one, outside));
    }));
  };

  const plain = (text) => text.toLowerCase().replaceAll("_", " ").replaceAll("but not", "not").replace(/\s+/g, " ").trim();

  // The query: the menu and the box, or the box alone, such as "seen but not heard: dog"
  const query = () => {
    const colon = label.value.indexOf(":");
    const words = plain(label.value.slice(0, Math.max(0, colon)));
    const option = words && [...relation.options].find((one) => plain(one.text) === words || plain(one.text) === `${words} at once`);
    return option ? [option.value, label.value.slice(colon + 1).trim()] : [relation.value, label.value.trim()];
  };

  const settle = () => {
    const [where, text] = query();
    if (text === label.value.trim()) return;
    relation.value = where;
    label.value = text;
  };

  const show = () => {
    cards.replaceChildren(...matches.slice(0, room).map(([n, spans]) => {
      const shown = card(n), here = shown.querySelector(".moments"), page = clips[n][1];
      here.hidden = !spans;
      here.replaceChildren(...(spans || []).slice(0, MOMENTS).map(([onset, offset]) => {
        const moment = make(page ? "a" : "span", `${onset.toFixed(1)}–${offset.toFixed(1)} s`);
        if (page) moment.href = `${page}#t=${onset}`;
        return moment;
      }));
      if (spans && spans.length > MOMENTS) here.append(` and ${spans.length - MOMENTS} more`);
      return shown;
    }));
    more.hidden = matches.length <= room;
    more.textContent = `Show more of ${matches.length} clips`;
  };

  const search = () => {
    const [where, text] = query();
    const names = text.split(",").map(plain).filter(Boolean); // any of several
    const of = (name) => {
      const exact = classes.findIndex((one) => plain(one) === name);
      return exact >= 0 ? [exact] : classes.map((_, n) => n).filter((n) => plain(classes[n]).includes(name));
    };
    const labels = new Set(names.length ? names.flatMap(of) : classes.keys());
    const unknown = names.filter((name) => !of(name).length);
    const idle = !names.length && where === "";
    const noting = noted && noted.checked;
    matches = clips.map(([, , , events], n) => [n, idle ? null : moments(events, labels, where)])
      .filter(([n, spans]) => (!spans || spans.length) && (!noting || clips[n][5].length));
    const length = ([, spans]) => (spans || []).reduce((sum, [onset, offset]) => sum + offset - onset, 0);
    if (order.value === "length") matches.sort((a, b) => length(b) - length(a) || a[0] - b[0]);
    room = STEP;
    show();
    const all = `${clips.length} clip${clips.length === 1 ? "" : "s"}`;
    const missing = unknown.length ? `; no class here is called ${unknown.join(" or ")}` : "";
    find("count").textContent = idle && !noting ? all : `${matches.length} of ${all}${missing}`;
    const words = [...relation.options].find((one) => one.value === where).text;
    const hash = idle ? "" : `#${encodeURIComponent(words)}:${encodeURIComponent(text)}`;
    history.replaceState(null, "", hash || location.pathname + location.search);
    for (const link of document.querySelectorAll("#pages a, #all a")) link.hash = hash; // the same question there
  };

  const follow = () => { // #seen but not heard:dog
    const [words, text] = location.hash.slice(1).split(":").map(decodeURIComponent);
    const option = [...relation.options].find((one) => one.text === words);
    if (text === undefined || !option) return;
    relation.value = option.value;
    label.value = text;
  };

  label.addEventListener("input", search);
  // Leaving the box for a link must not rebuild the list under the pointer: the click would be lost.
  label.addEventListener("change", settle);
  relation.addEventListener("change", search);
  order.addEventListener("change", search);
  if (noted) noted.addEventListener("change", search);
  more.addEventListener("click", () => { room += STEP; show(); });
  find("search").addEventListener("submit", (event) => { event.preventDefault(); settle(); });
  addEventListener("hashchange", () => { follow(); search(); });
  addEventListener("beforeprint", () => { room = Infinity; show(); });
  find("search").hidden = false;
  follow();
  search();
})();
