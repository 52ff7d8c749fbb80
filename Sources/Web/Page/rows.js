// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// Draws studies. All text from outside goes through textContent; there is no markup in strings anywhere.

import { actions, answer, isAsking } from './actions.js';
import * as words from './words.js';

export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === 'text') node.textContent = value;
    else node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.filter(child => child !== null && child !== undefined && child !== ''));
  return node;
}

const badge = (text, kind = '') => element('span', { class: `badge ${kind}`, text });

export function nameBlock(item) {
  const name = words.personName(item.patientName);
  const beside = name.beside.map(text => element('bdi', { class: 'beside', text }));
  return element('div', { class: 'name' }, element('bdi', { class: 'first', text: name.first, lang: name.language || null }), ...beside);
}

export function identityLine(item) {
  const saysModality = item.studyDescription.toUpperCase().split(/\W/).includes(item.modality);
  const parts = [
    item.patientID ? `ID ${item.patientID}` : 'no patient ID', words.sexAndAge(item.patientSex, item.patientBirthDate, new Date()),
    saysModality ? '' : item.modality, item.studyDescription, item.accessionNumber ? `Acc. ${item.accessionNumber}` : '',
  ].filter(Boolean);
  return element('p', { class: 'identity' }, ...parts.map(text => element('bdi', { text })));
}

function findingLine(finding, isFirst) {
  return element('p', { class: `finding ${isFirst ? 'lead' : ''} ${finding.gone ? 'gone' : ''}` },
    element('bdi', { class: 'label', text: finding.label }),
    finding.volumeML === null ? null : element('span', { class: 'number', text: words.volume(finding.volumeML) }),
    element('span', { class: 'number sure', text: `${words.confidence(finding.confidence)} confidence` }),
    finding.gone ? badge('no longer found', 'alarm') : null);
}

function headline(item) {
  if (item.findings.length) {
    const shown = item.findings.slice(0, 3).map((finding, index) => findingLine(finding, index === 0));
    const more = item.findings.length - shown.length;
    return [...shown, more > 0 ? element('p', { class: 'reason', text: `and ${more} more (d shows them)` }) : null];
  }
  // Where a package looked, what it says; otherwise the state itself, with its reason.
  if (item.state === 'analysed') return [element('p', { class: 'finding lead none', text: item.reason || words.states.analysed })];
  return [element('p', { class: `finding lead none ${item.state}`, text: words.states[item.state] ?? item.state }),
    element('p', { class: 'why', text: item.reason })];
}

function badges(item) {
  const models = [...new Set([...item.findings, ...item.series].map(part => part.model).filter(Boolean))];
  const isStateTold = item.findings.length ? item.state === 'analysed' : item.state !== 'analysed';
  return element('p', { class: 'badges' },
    isStateTold ? null : badge(words.states[item.state] ?? item.state, `state ${item.state}`),
    item.demonstration ? badge('Demonstration', 'demonstration') : null,
    item.run === 'provisional' ? badge('Provisional', 'provisional') : null,
    item.run === 'superseded' ? badge('Superseded: more images came', 'provisional') : null,
    ...models.map(text => element('span', { class: 'model', text })));
}

function details(item) {
  const row = (term, ...values) => [element('dt', { text: term }), ...values.map(value =>
    value instanceof Node ? element('dd', {}, value) : element('dd', { text: value }))];
  const series = item.series.flatMap(one => row(
    `${one.modality || 'Series'} ${one.seriesDescription ?? ''}`.trim(),
    [`${words.states[one.state] ?? one.state}`, one.run ?? '', one.instances ? `${one.instances} instances` : '', one.model,
      one.outcome ?? '', one.reason].filter(Boolean).join(' · '),
    one.seriesInstanceUID));
  const findings = item.findings.flatMap(one => row(
    one.label, [`${one.code.value}, ${one.code.scheme}, ${one.code.meaning}`, words.volume(one.volumeML), words.confidence(one.confidence),
      `${one.model} ${one.modelVersion ?? ''}`.trim(), one.run, one.gone ? 'no longer found' : ''].filter(Boolean).join(' · ')));
  const results = item.results.flatMap(one => row(
    one.destination, [one.delivery, words.proof(one), one.reason ?? ''].filter(Boolean).join(' · '), one.sopInstanceUID));
  const { secondsToNotification: notified, engineSeconds: engine } = item.times ?? {};
  const times = typeof notified === 'number' ? row('On the list',
    `${notified.toFixed(2)} s after the last image${typeof engine === 'number' ? `, ${engine.toFixed(2)} s of it in the model` : ''}`) : [];
  return element('dl', { class: 'details' }, ...row('Study', item.studyInstanceUID), ...times, ...series, ...findings, ...results,
    ...again(item));
}

function again(item) {
  const buttons = actions(item).map(({ name, title }) =>
    element('button', {
      type: 'button', class: 'action', 'data-action': name, disabled: isAsking(item.studyInstanceUID), text: title,
    }));
  const text = answer(item.studyInstanceUID);
  if (!buttons.length && !text) return [];
  return [element('dt', { text: 'Once more' }),
    element('dd', { class: 'actions' }, ...buttons, element('span', { class: 'said', role: 'status', text }))];
}

export function fill(node, item, isOpen) {
  const priority = words.priorities[item.priority] ?? item.priority;
  const isDone = Boolean(item.acknowledged);
  node.className = `study ${item.priority} ${isDone ? 'done' : ''} ${item.state}`;
  node.setAttribute('aria-label', `${priority}: ${words.personName(item.patientName).first}, `
    + `${item.findings[0]?.label ?? item.reason}, ${words.states[item.state] ?? item.state}`);

  const notes = [];
  // Not where it only says again what stands above it.
  const leads = item.findings[0];
  if (leads && item.reason && (leads.gone || !item.reason.startsWith(leads.label))) {
    notes.push(element('p', { class: 'reason', text: item.reason }));
  }
  for (const text of item.warnings ?? []) notes.push(element('p', { class: 'warning', text }));
  for (const line of words.deliveries(item.results)) {
    notes.push(element('p', { class: line.failed ? 'warning' : 'delivery', text: line.text }));
  }

  const end = isDone
    ? element('div', { class: 'end' }, element('p', { class: 'by' }, 'acknowledged by ', element('bdi', { text: item.acknowledged.by })),
      element('p', { class: 'since', text: `at ${words.clock(new Date(item.acknowledged.at))}` }))
    : element('div', { class: 'end' },
      element('p', { class: 'waiting', 'data-since': item.receivedAt }),
      element('p', { class: 'since', text: 'waiting' }),
      element('button', { type: 'button', class: 'acknowledge', tabindex: '-1', text: 'Acknowledge' }));

  node.replaceChildren(
    element('div', { class: 'priority' }, element('span', { class: 'shape', 'aria-hidden': 'true' }), element('span', { text: priority })),
    element('div', { class: 'who' }, nameBlock(item), identityLine(item), badges(item)),
    element('div', { class: 'what' }, ...headline(item).filter(Boolean), ...notes),
    end,
    isOpen ? details(item) : '');
}

// A study that cannot be drawn is named all the same: one odd study must neither hide itself nor the others.
export function fillWithout(node, item, error) {
  node.className = 'study critical';
  node.replaceChildren(element('p', { class: 'warning', text: `Study ${item?.studyInstanceUID} cannot be shown: ${error}` }));
}
