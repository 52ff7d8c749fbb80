// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// What a person asks the node to do once more: to analyse a study, to send what is parked.

const titles = { rerun: 'Analyse again', deliver: 'Send again' };

// Which of them make sense for a study.
export function actions(item) {
  const isSettled = ['analysed', 'notAnalysed', 'outOfScope', 'failed'].includes(item.state);
  return [
    ...(isSettled ? ['rerun'] : []), ...((item.results ?? []).some(one => one.delivery === 'failed') ? ['deliver'] : []),
  ].map(name => ({ name, title: titles[name] }));
}

export async function perform(button, study) {
  button.disabled = true;
  const said = button.parentElement.querySelector('.said');
  try {
    const response = await fetch(`/api/worklist/${encodeURIComponent(study)}/${button.dataset.action}`, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}', redirect: 'error', signal: AbortSignal.timeout(8000),
    });
    const answer = await response.json();
    said.textContent = response.ok ? 'The node has taken it up.' : answer.error ?? `The node answered ${response.status}.`;
  } catch {
    said.textContent = 'The node does not answer.';
  }
  button.disabled = false;
}
