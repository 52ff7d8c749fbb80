// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// Values of the API in words for people. Pure functions.

export const priorities = { critical: 'Critical', urgent: 'Urgent', routine: 'Routine' };

export const states = {
  arriving: 'Arriving', waiting: 'Waiting for analysis', analysing: 'Being analysed', analysed: 'Analysed',
  notAnalysed: 'Not analysed', outOfScope: 'Out of scope', failed: 'Analysis failed',
};

// A person name has up to three component groups, alphabetic=ideographic=phonetic, of up to five components each
// (PS3.5 6.2, PN). The ideographic form comes first where there is one.
export function personName(value) {
  const groups = String(value ?? '').split('=').map(group =>
    group.split('^').map(component => component.trim()));
  const [alphabetic, ideographic, phonetic] = [0, 1, 2].map(index => groups[index] ?? []);
  const western = alphabeticForm(alphabetic);
  const eastern = ideographic.filter(Boolean).join(' ');
  const reading = phonetic.filter(Boolean).join(' ');
  if (eastern) {
    return { first: eastern, beside: [western, reading].filter(Boolean), language: language(eastern + reading) };
  }
  return { first: western || reading || 'No name', beside: western ? [reading].filter(Boolean) : [], language: '' };
}

function alphabeticForm([family, given, middle, prefix, suffix]) {
  const rest = [prefix, given, middle].filter(Boolean).join(' ');
  return [[family, rest].filter(Boolean).join(', '), suffix].filter(Boolean).join(', ');
}

// The shapes of shared ideographs differ by language.
function language(text) {
  if (/[\u3040-\u30ff]/.test(text)) return 'ja';
  return /[\uac00-\ud7a3]/.test(text) ? 'ko' : '';
}

export function duration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const pad = number => String(number).padStart(2, '0');
  const days = Math.floor(seconds / 86400);
  const clock = `${Math.floor(seconds / 3600) % 24}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
  return days ? `${days} d ${clock}` : clock;
}

export function clock(date) {
  const pad = number => String(number).padStart(2, '0');
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

// Millilitres with as many digits as a reader needs.
export function volume(mL) {
  if (typeof mL !== 'number') return '';
  return `${mL >= 100 ? mL.toFixed(0) : mL.toFixed(1)} mL`;
}

// Never rounded up to certainty.
export function confidence(value) {
  if (typeof value !== 'number') return '';
  return value > 0.99 ? '> 99 %' : `${Math.max(0, Math.round(value * 100))} %`;
}

// "19640229" with the day of the study in mind.
export function sexAndAge(sex, birthDate, today) {
  const match = /^(\d{4})(\d\d)(\d\d)$/.exec(birthDate ?? '');
  if (!match) return sex || '';
  const [year, month, day] = match.slice(1).map(Number);
  const had = today.getMonth() + 1 > month || (today.getMonth() + 1 === month && today.getDate() >= day);
  const age = today.getFullYear() - year - (had ? 0 : 1);
  return [sex, age >= 0 && age < 150 ? `${age} y` : ''].filter(Boolean).join(' ');
}

const kinds = {
  '1.2.840.10008.5.1.4.1.1.66.4': 'SEG', '1.2.840.10008.5.1.4.1.1.66.7': 'SEG',
  '1.2.840.10008.5.1.4.1.1.88.11': 'SR', '1.2.840.10008.5.1.4.1.1.88.22': 'SR', '1.2.840.10008.5.1.4.1.1.88.33': 'SR',
  '1.2.840.10008.5.1.4.1.1.88.34': 'SR', '1.2.840.10008.5.1.4.1.1.88.59': 'KOS', '1.2.840.10008.5.1.4.1.1.7': 'SC',
};

// One line for each destination, such as "pacs: SEG, SR committed".
const proofs = { storageCommitment: 'committed to it by its own report', query: 'found there', status: 'by its answer alone' };

// What shows that a destination holds an object.
export function proof(result) {
  return result.awaitsCommitment ? 'its commitment is awaited' : proofs[result.proof] ?? '';
}

export function deliveries(results) {
  const lines = new Map();
  for (const result of results) {
    const key = `${result.destination} ${result.delivery} ${result.reason ?? ''}`;
    const line = lines.get(key) ?? { ...result, kinds: [] };
    line.kinds.push(kinds[result.sopClassUID] ?? 'object');
    lines.set(key, line);
  }
  const verbs = { pending: 'on the way', sent: 'sent', committed: 'stored', failed: 'NOT DELIVERED' };
  return [...lines.values()].map(line => ({
    failed: line.delivery === 'failed',
    text: `${line.destination}: ${line.kinds.join(', ')} ${verbs[line.delivery] ?? line.delivery}`
      + (line.reason ? ` (${line.reason})` : ''),
  }));
}
