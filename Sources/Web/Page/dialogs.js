// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// The question before an acknowledgement, bound to one study whatever the list does meanwhile; and the help.

import { element, identityLine, nameBlock } from './rows.js';

const byId = id => document.getElementById(id);
const dialog = byId('acknowledge');
const field = byId('acknowledge-by');
const storageKey = 'triaged.acknowledgeBy';
// After a change on display, confirming waits this long: a finger already on its way must not hit another text.
const settling = 1000;

let asked = null; // the item as it is on display in the dialog
let changedAt = -Infinity;
let isSending = false;

function remembered() {
  try { return localStorage.getItem(storageKey) ?? ''; } catch { return ''; }
}

function remember(name) {
  try { localStorage.setItem(storageKey, name); } catch { /* private windows forget */ }
}

function draw() {
  const finding = asked.findings[0];
  byId('acknowledge-study').replaceChildren(nameBlock(asked), identityLine(asked),
    element('p', { class: 'finding', text: finding ? finding.label : asked.reason }));
}

export function ask(item) {
  if (dialog.open) return;
  asked = item;
  changedAt = -Infinity;
  byId('acknowledge-changed').hidden = true;
  byId('acknowledge-error').hidden = true;
  field.value = remembered();
  draw();
  dialog.showModal();
  if (field.value) byId('acknowledge-yes').focus(); else field.focus();
}

// Keeps an open question true.
export function refresh(items) {
  if (!dialog.open) return;
  const item = items.get(asked.studyInstanceUID);
  if (!item) { dialog.close(); return; }
  if (item.runSequence !== asked.runSequence || item.priority !== asked.priority || item.reason !== asked.reason) {
    changedAt = performance.now();
    byId('acknowledge-changed').hidden = false;
  }
  asked = item;
  draw();
}

export function closeAll() {
  for (const open of document.querySelectorAll('dialog[open]')) open.close();
}

export const isOpen = () => document.querySelector('dialog[open]') !== null;

export function help() { if (!isOpen()) byId('help').showModal(); }

// What peers were refused, as of now, for whoever asks why nothing arrives.
export async function refusals() {
  if (isOpen()) return;
  const note = byId('refusals-note');
  byId('refusals-list').replaceChildren();
  note.textContent = 'Asking …';
  byId('refusals').showModal();
  try {
    const response = await fetch('/api/refusals', { cache: 'no-store', redirect: 'error', signal: AbortSignal.timeout(6000) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const lines = (await response.json()).refusals;
    note.textContent = lines.length ? '' : 'Nothing was refused since the node started.';
    byId('refusals-list').replaceChildren(...lines.flatMap(line => [
      element('dt', {}, element('time', { datetime: line.last, text: new Date(line.last).toLocaleString() }),
        line.count > 1 ? ` × ${line.count}` : ''),
      element('dd', {}, element('bdi', { text: [line.callingAETitle, line.peerAddress].filter(Boolean).join(' at ') }), ': ',
        element('bdi', { text: line.reason })),
      line.hint ? element('dd', { class: 'hint', text: line.hint }) : '',
    ]).filter(Boolean));
  } catch (failure) {
    note.textContent = `The node does not say: ${failure.message}`;
  }
}

async function send() {
  const by = field.value.trim();
  if (!by || isSending || performance.now() - changedAt < settling) return;
  isSending = true;
  const study = asked.studyInstanceUID;
  const error = byId('acknowledge-error');
  error.hidden = true;
  try {
    const response = await fetch(`/api/worklist/${encodeURIComponent(study)}/acknowledge`, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, redirect: 'error',
      body: JSON.stringify({ by, runSequence: asked.runSequence }), signal: AbortSignal.timeout(6000),
    });
    if (!response.ok) throw new Error((await response.json().catch(() => null))?.error ?? `status ${response.status}`);
    remember(by);
    if (asked.studyInstanceUID === study) dialog.close();
  } catch (failure) {
    error.textContent = `Not acknowledged: ${failure.message}`;
    error.hidden = false;
  } finally {
    isSending = false;
  }
}

dialog.addEventListener('submit', event => { event.preventDefault(); send(); });
byId('acknowledge-no').addEventListener('click', () => dialog.close());
