// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// What a person asks the node to do once more: to analyse a study, to send what is parked.

import { clock } from './words.js';

const titles = { rerun: 'Analyse again', deliver: 'Send again' };

// Which of them make sense for a study.
export function actions(item) {
  const isSettled = ['analysed', 'notAnalysed', 'outOfScope', 'failed'].includes(item.state);
  return [
    ...(isSettled ? ['rerun'] : []), ...((item.results ?? []).some(one => one.delivery === 'failed') ? ['deliver'] : []),
  ].map(name => ({ name, title: titles[name] }));
}

// What the node answered, by study: the list is drawn anew meanwhile, most often because of what was asked for.
const answers = new Map();
const asking = new Set();

export const answer = study => answers.get(study) ?? '';
export const isAsking = study => asking.has(study);
export function forget(study) { answers.delete(study); }

// The row may be another element by now than when the button was pressed.
function show(study) {
  const row = [...document.querySelectorAll('.study')].find(node => node.dataset.study === study);
  for (const button of row?.querySelectorAll('.action') ?? []) button.disabled = isAsking(study);
  const said = row?.querySelector('.said');
  if (said) said.textContent = answer(study);
}

export async function perform(action, study) {
  if (isAsking(study)) return;
  asking.add(study);
  forget(study);
  show(study);
  const say = text => answers.set(study, `${clock(new Date())} ${text}`);
  try {
    const response = await fetch(`/api/worklist/${encodeURIComponent(study)}/${action}`, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}', redirect: 'error', signal: AbortSignal.timeout(8000),
    });
    const body = await response.json();
    say(response.ok ? 'The node has taken it up.' : body.error ?? `The node answered ${response.status}.`);
  } catch {
    say('The node does not answer.');
  }
  asking.delete(study);
  show(study);
}
