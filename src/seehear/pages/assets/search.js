"use strict";
// Clips by what is in them. All are listed without this; here they are hidden, sorted, and their moments named.
(() => {
  const MOST = 8; // moments named of a clip
  const find = (id) => document.getElementById(id);
  const { classes, clips } = JSON.parse(find("data").textContent);
  const label = find("label"), relation = find("relation"), order = find("order"), cards = find("cards");
  const items = [...cards.children];

  // Spans sorted, and joined where they touch
  const union = (all) => {
    const found = [];
    for (const [onset, offset] of all.sort((a, b) => a[0] - b[0])) {
      const last = found[found.length - 1];
      if (last && onset <= last[1]) last[1] = Math.max(last[1], offset); else found.push([onset, offset]);
    }
    return found;
  };

  const spans = (events, label, modality) => (
    union(events.filter((event) => event[0] === label && event[1] === modality).map(([, , onset, offset]) => [onset, offset]))
  );

  // What of the first spans lies in none of the second
  const without = (spans, others) => others.reduce((left, [from, to]) => left.flatMap(([onset, offset]) => (
    to <= onset || from >= offset ? [[onset, offset]] : [[onset, from], [to, offset]].filter(([a, b]) => b > a)
  )), spans);

  // Class by class: a cat that is seen is not a dog that is heard.
  const moments = (events, wanted, asked) => {
    const [inside, outside] = asked.split("-").map(Number);
    return union([...wanted].flatMap((one) => {
      if (asked === "") return [...new Set(events.map((event) => event[1]))].flatMap((modality) => spans(events, one, modality));
      const found = spans(events, one, inside);
      return outside === undefined ? found : without(found, spans(events, one, outside));
    }));
  };

  // "seen but not heard: dog" in the box says both at once
  const read = () => {
    const colon = label.value.indexOf(":");
    if (colon < 0) return false;
    const said = label.value.slice(0, colon).trim().toLowerCase();
    const option = [...relation.options].find((one) => one.text.toLowerCase() === said);
    if (!option) return false;
    relation.value = option.value;
    label.value = label.value.slice(colon + 1).trim();
    return true;
  };

  const search = () => {
    const text = label.value.trim().toLowerCase(), asked = relation.value;
    const exact = classes.findIndex((name) => name.toLowerCase() === text);
    const wanted = new Set(classes.map((_, n) => n).filter((n) => (exact >= 0 ? n === exact : classes[n].toLowerCase().includes(text))));
    const idle = text === "" && asked === "";
    const lengths = new Map();
    let count = 0;
    for (const item of items) {
      const found = moments(clips[Number(item.dataset.n)], wanted, asked);
      const here = item.querySelector(".moments"), link = item.querySelector(".title a");
      lengths.set(item, found.reduce((sum, [onset, offset]) => sum + offset - onset, 0));
      item.hidden = !idle && !found.length;
      count += !item.hidden;
      here.hidden = idle;
      here.replaceChildren(...(idle ? [] : found.slice(0, MOST).map(([onset, offset]) => {
        const moment = document.createElement(link ? "a" : "span");
        if (link) moment.href = `${link.getAttribute("href")}#t=${onset}`;
        moment.textContent = `${onset.toFixed(1)}–${offset.toFixed(1)} s`;
        return moment;
      })));
      if (!idle && found.length > MOST) here.append(` and ${found.length - MOST} more`);
    }
    const by = order.value === "length" ? (a, b) => lengths.get(b) - lengths.get(a) || a.dataset.n - b.dataset.n : (a, b) => a.dataset.n - b.dataset.n;
    cards.replaceChildren(...[...items].sort(by));
    find("count").textContent = idle ? `${items.length} clips` : `${count} of ${items.length} clips`;
    const words = relation.selectedOptions[0].text;
    const hash = idle ? "" : `#${encodeURIComponent(words)}:${encodeURIComponent(label.value.trim())}`;
    history.replaceState(null, "", hash || location.pathname + location.search);
  };

  const follow = () => { // #seen but not heard:dog
    const [words, text] = location.hash.slice(1).split(":").map(decodeURIComponent);
    const option = [...relation.options].find((one) => one.text === words);
    if (text === undefined || !option) return;
    relation.value = option.value;
    label.value = text;
  };

  label.addEventListener("input", search);
  // Leaving the box for a link must not make the list anew beneath the pointer: the click would be lost.
  label.addEventListener("change", () => { if (read()) search(); });
  relation.addEventListener("change", search);
  order.addEventListener("change", search);
  find("search").addEventListener("submit", (event) => { event.preventDefault(); if (read()) search(); });
  addEventListener("hashchange", () => { follow(); search(); });
  find("search").hidden = false;
  follow();
  if (location.hash) search();
})();
