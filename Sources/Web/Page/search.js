// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// The search field: asks the node which studies a text means, and says what the search leaves out.

const byId = id => document.getElementById(id);
const pause = 150; // ms after a key, so that a word is one question
const again = 5000; // ms until the answer is asked for anew, for studies that are no longer on the list
const patience = 5000;

let wanted = ''; // what is in the field
let answer = null; // { text, items, isTruncated }
let failure = '';
let asking = null; // AbortController
let timer = 0;
let changed = () => {};

export const isOn = () => wanted !== '';

// What the node found, or null where the whole list is to be shown. The last answer stays until the next has come.
export const found = () => isOn() && answer ? answer.items : null;

export function focus() {
  byId('search-text').focus();
  byId('search-text').select();
}

// The list has changed: what was found may have, too.
export function refresh() { if (isOn()) ask(); }

async function ask() {
  clearTimeout(timer);
  asking?.abort();
  const control = new AbortController();
  const limit = setTimeout(() => control.abort(), patience);
  const text = wanted;
  asking = control;
  try {
    const response = await fetch(`/api/worklist?q=${encodeURIComponent(text)}`, { cache: 'no-store', redirect: 'error', signal: control.signal });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const { items, isTruncated } = await response.json();
    if (!Array.isArray(items)) throw new Error('no list');
    if (asking !== control || text !== wanted) return;
    answer = { text, items, isTruncated };
    failure = '';
  } catch (error) {
    // Another question has taken the place of this one.
    if (asking !== control) return;
    console.warn('search:', error);
    answer = null;
    failure = 'The search failed: all studies are shown. It is tried again.';
  } finally {
    clearTimeout(limit);
  }
  timer = setTimeout(refresh, failure ? 1000 : again);
  changed();
}

function typed() {
  const text = byId('search-text').value.trim();
  if (text === wanted) return;
  wanted = text;
  failure = '';
  clearTimeout(timer);
  asking?.abort();
  asking = null;
  if (isOn()) { timer = setTimeout(ask, pause); } else { answer = null; }
  changed();
}

// A search must not be taken for the list: it says itself, and how much that waits urgently it leaves out.
export function say(shown, listed) {
  const line = byId('search-says');
  document.body.classList.toggle('searching', isOn());
  line.hidden = !isOn();
  if (!isOn()) { line.replaceChildren(); return; }
  const parts = [];
  const add = (text, name = '') => {
    const node = document.createElement('span');
    node.className = name;
    node.textContent = text;
    parts.push(node, ' ');
  };
  if (failure) add(failure);
  else if (!answer) add('Searching …');
  else {
    const number = shown.length;
    const more = answer.isTruncated ? ', the newest of them; type more to see others' : '';
    add(number ? `${number} ${number === 1 ? 'study' : 'studies'} found for “${answer.text}”${more}.` : `No study found for “${answer.text}”.`);
    const uids = new Set(shown.map(item => item.studyInstanceUID));
    const hidden = listed.filter(item => item.priority === 'critical' && !item.acknowledged && !uids.has(item.studyInstanceUID)).length;
    if (hidden) add(`${hidden} critical ${hidden === 1 ? 'study is' : 'studies are'} not shown.`, 'hides');
    add('Esc shows the whole list.');
  }
  // Said again only where it says something else: a screen reader reads it out.
  const text = parts.map(part => part.textContent ?? part).join('');
  if (line.textContent !== text) line.replaceChildren(...parts);
}

// The whole list again.
export function leave() {
  if (!isOn()) return;
  byId('search-text').value = '';
  typed();
}

export function start({ onChange, onEnter, onLeave }) {
  changed = onChange;
  const field = byId('search-text');
  // A word that is still being composed is not what will be searched for.
  field.addEventListener('input', event => { if (!event.isComposing) typed(); });
  field.addEventListener('compositionend', typed);
  field.addEventListener('keydown', event => {
    if (event.isComposing) return;
    if (event.key === 'Escape') {
      event.preventDefault();
      leave();
      onLeave();
    } else if (event.key === 'ArrowDown') {
      event.preventDefault();
      onEnter();
    }
  });
  byId('search').addEventListener('submit', event => { event.preventDefault(); onEnter(); });
}
