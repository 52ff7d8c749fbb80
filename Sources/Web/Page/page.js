// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// The worklist page: puts the list on display, the keys to work, and the cover over what is not current.

import { forget, perform } from './actions.js';
import * as dialogs from './dialogs.js';
import { follow } from './live.js';
import { fill, fillWithout } from './rows.js';
import * as search from './search.js';
import * as words from './words.js';

const byId = id => document.getElementById(id);
const rows = new Map(); // study UID → { node, drawn }
let items = new Map(); // study UID → item, in reading order
let list = { items: [], receiving: '' };
let showsAll = false;
let selected = null; // study UID
let opened = null; // study UID
let criticals = null; // study UIDs announced, null before the first list
let offset = 0; // server's wall clock less ours, ms

function show(next) {
  list = next;
  offset = Date.parse(next.now) - Date.now();
  collect();
  draw();
  dialogs.refresh(items);
  announce();
  search.refresh();
}

// What the search found may have left the list; what is on the list is newer there.
function collect() {
  items = new Map([...search.found() ?? [], ...list.items].map(item => [item.studyInstanceUID, item]));
}

function draw() {
  const listed = list.items.filter(item => showsAll || item.state !== 'outOfScope');
  const found = search.found()?.map(item => items.get(item.studyInstanceUID) ?? item);
  const visible = found ?? listed;
  arrange(byId('list'), visible.filter(item => !item.acknowledged));
  const done = visible.filter(item => item.acknowledged);
  arrange(byId('done'), done);
  byId('done-title').hidden = done.length === 0;
  byId('done-title').textContent = `Acknowledged (${done.length})`;
  for (const [uid, row] of rows) {
    if (!visible.some(item => item.studyInstanceUID === uid)) { row.node.remove(); rows.delete(uid); }
  }
  drawHead(listed);
  search.say(visible, listed);
  if (selected && !rows.has(selected)) selected = null;
  for (const [uid, row] of rows) row.node.tabIndex = uid === (selected ?? order()[0]) ? 0 : -1;
  tick();
}

// Rows stay the same elements, so that selection and focus go with the study and not with the place.
function arrange(parent, wanted) {
  const focused = document.activeElement?.closest?.('.study');
  wanted.forEach((item, index) => {
    const uid = item.studyInstanceUID;
    const row = rows.get(uid) ?? { node: Object.assign(document.createElement('li'), { tabIndex: -1 }), drawn: '' };
    row.node.dataset.study = uid;
    rows.set(uid, row);
    const drawn = JSON.stringify([item, opened === uid]);
    if (row.drawn !== drawn) {
      try { fill(row.node, item, opened === uid); } catch (error) { fillWithout(row.node, item, error); }
      row.drawn = drawn;
    }
    mark(row.node, uid === selected);
    if (parent.children[index] !== row.node) parent.insertBefore(row.node, parent.children[index] ?? null);
  });
  if (focused && focused.isConnected && document.activeElement !== focused && !dialogs.isOpen()) focused.focus({ preventScroll: true });
}

function drawHead(visible) {
  const notice = list.notice ?? '';
  byId('notice').hidden = notice === '';
  if (byId('notice').textContent !== notice) byId('notice').textContent = notice;
  const unread = visible.filter(item => !item.acknowledged && item.state !== 'outOfScope');
  const count = priority => unread.filter(item => item.priority === priority).length;
  const parts = Object.entries(words.priorities).map(([key, word]) => [count(key), word.toLowerCase(), key]);
  byId('counts').replaceChildren(...parts.map(([number, word, key]) => {
    const node = document.createElement('span');
    node.className = `count ${key} ${number ? '' : 'zero'}`;
    node.textContent = `${number} ${word}`;
    return node;
  }));
  document.title = count('critical') ? `▲ ${count('critical')} critical · Worklist` : 'Worklist';

  const outside = list.items.filter(item => item.state === 'outOfScope').length;
  byId('scope').hidden = outside === 0;
  byId('scope').textContent = showsAll ? `Hide ${outside} out of scope` : `Show ${outside} out of scope`;
  byId('scope').setAttribute('aria-pressed', String(showsAll));

  byId('empty').hidden = visible.length > 0 || search.isOn();
  byId('empty-title').textContent = outside ? 'No studies in scope' : 'No studies yet';
  byId('empty-detail').textContent = outside
    ? `${outside} ${outside === 1 ? 'study is' : 'studies are'} out of scope: no model package claims ${outside === 1 ? 'it' : 'them'}.`
    : `Receiving at ${list.receiving}.`;
}

function announce() {
  const now = list.items.filter(item => item.priority === 'critical' && !item.acknowledged);
  const fresh = criticals === null ? [] : now.filter(item => !criticals.has(item.studyInstanceUID));
  criticals = new Set(now.map(item => item.studyInstanceUID));
  if (!fresh.length) return;
  // Also where a search hides it.
  byId('announcer').textContent = fresh.map(item =>
    `Critical: ${words.personName(item.patientName).first}, ${item.findings[0]?.label ?? item.reason}`).join('. ');
  for (const item of fresh) rows.get(item.studyInstanceUID)?.node.classList.add('new');
}

function tick() {
  const now = Date.now() + offset;
  for (const node of document.querySelectorAll('.waiting')) node.textContent = words.duration(now - Date.parse(node.dataset.since));
  byId('clock').textContent = words.clock(new Date());
}

function cover(isLive, since) {
  byId('cover').hidden = isLive;
  byId('app').inert = !isLive;
  document.body.classList.toggle('covered', !isLive);
  if (isLive) { draw(); return; }
  dialogs.closeAll();
  document.title = 'NOT LIVE · Worklist';
  byId('cover-title').textContent = since ? `Not live since ${words.clock(since)}` : 'Not live';
  byId('cover-detail').textContent =
    'The list underneath is old. Work from the PACS until this page comes back; it keeps trying by itself.';
}

const order = () => [...document.querySelectorAll('.study')].map(node => node.dataset.study);

function mark(node, isSelected) {
  node.classList.toggle('selected', isSelected);
  node.setAttribute('aria-current', String(isSelected));
}

function select(uid, focuses = true) {
  if (!uid || !rows.has(uid)) return;
  selected = uid;
  for (const [other, row] of rows) {
    mark(row.node, other === uid);
    row.node.tabIndex = other === uid ? 0 : -1;
  }
  if (focuses) {
    rows.get(uid).node.focus({ preventScroll: true });
    rows.get(uid).node.scrollIntoView({ block: 'nearest' });
  }
}

function step(by) {
  const uids = order();
  const at = uids.indexOf(selected);
  select(uids[at < 0 ? (by > 0 ? 0 : uids.length - 1) : Math.min(uids.length - 1, Math.max(0, at + by))]);
}

function toggleScope() { showsAll = !showsAll; draw(); }

function acknowledge(uid) {
  const item = items.get(uid);
  if (item && !item.acknowledged) dialogs.ask(item);
}

const keys = {
  j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
  Home: () => select(order()[0]), End: () => select(order().at(-1)),
  a: () => acknowledge(selected), o: toggleScope, '?': () => dialogs.help(), r: () => dialogs.refusals(),
  '/': () => search.focus(), Escape: () => search.leave(),
  d: () => { forget(opened); opened = opened === selected ? null : selected; draw(); },
};

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || dialogs.isOpen() || byId('app').inert) return;
  if (event.target.closest?.('input, textarea')) return;
  const action = keys[event.key];
  if (!action || event.repeat && event.key === 'a') return;
  event.preventDefault();
  action();
});

document.addEventListener('focusin', event => {
  const uid = event.target.closest?.('.study')?.dataset.study;
  if (uid && uid !== selected) select(uid, false);
});

// What was under the pointer when it went down is what is meant, whatever comes to lie there before it goes up; and a row
// that is drawn anew in between swallows no press.
let pressed = null;
addEventListener('pointerdown', event => {
  const study = event.target.closest?.('.study')?.dataset.study ?? null;
  pressed = event.button === 0 && event.target.closest?.('.acknowledge') ? { study, x: event.clientX, y: event.clientY } : null;
  if (study) select(study, false);
});
addEventListener('pointercancel', () => { pressed = null; });
addEventListener('pointerup', event => {
  const press = pressed;
  pressed = null;
  if (press && Math.hypot(event.clientX - press.x, event.clientY - press.y) < 20) acknowledge(press.study);
});
addEventListener('click', event => {
  const button = event.target.closest?.('.action');
  if (button) perform(button.dataset.action, button.closest('.study').dataset.study);
});
// Assistive technology clicks without a pointer.
addEventListener('click', event => {
  if (event.detail === 0) acknowledge(event.target.closest?.('.acknowledge')?.closest('.study')?.dataset.study);
});
search.start({
  onChange: () => { collect(); draw(); dialogs.refresh(items); },
  onEnter: () => select(order()[0]),
  onLeave: () => { byId('search-text').blur(); select(selected); },
});
byId('scope').addEventListener('click', toggleScope);
byId('help-button').addEventListener('click', () => dialogs.help());

setInterval(tick, 1000);
follow({ onList: show, onLife: cover });
