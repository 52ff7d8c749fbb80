// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// Keeps asking for the list, and tells for how long what is on display has been known to be current.

// An answer takes at most two seconds where nothing changes. Without one for this long the page covers itself.
const limit = 7000;
const patience = 6000;
const pause = 500;
// Both clocks run on together unless the machine slept or somebody set the clock.
const skew = 2000;

// `onList(list)` shows a new list; if it throws, the list counts as not shown. `onLife(isLive, since)` hears every change,
// with the wall clock's time at which the list was last current, or null.
export function follow({ onList, onLife }) {
  let revision = null;
  let fresh = null; // { monotonic, wall } of the last proof
  let isLive = false;
  let last = { monotonic: performance.now(), wall: Date.now() };
  let wake = () => {};

  async function ask() {
    // What the answer says was true after the question was sent: that is the moment that counts.
    const asked = { monotonic: performance.now(), wall: Date.now() };
    const control = new AbortController();
    const timer = setTimeout(() => control.abort(), patience);
    try {
      const query = revision === null ? '' : `?since=${encodeURIComponent(revision)}`;
      const response = await fetch(`/api/worklist${query}`, { cache: 'no-store', redirect: 'error', signal: control.signal });
      if (response.status === 200) {
        const list = await response.json();
        if (!Array.isArray(list.items)) throw new Error('no list');
        onList(list);
        revision = list.revision;
      } else if (response.status !== 204 || revision === null) {
        throw new Error(`status ${response.status}`);
      }
      fresh = asked;
      check();
    } catch (error) {
      // What is on display may be half of a list: ask for all of it.
      revision = null;
      console.warn('worklist:', error);
      await new Promise(resolve => { wake = resolve; setTimeout(resolve, pause); });
    } finally {
      clearTimeout(timer);
    }
  }

  function check() {
    const now = { monotonic: performance.now(), wall: Date.now() };
    const drift = Math.abs((now.wall - last.wall) - (now.monotonic - last.monotonic));
    // Slept, or the clock was set: only an answer to a question asked from now on counts.
    if (drift > skew && fresh) fresh = { ...fresh, monotonic: -Infinity };
    last = now;
    const live = fresh !== null && now.monotonic - fresh.monotonic < limit;
    if (live !== isLive) {
      isLive = live;
      onLife(live, fresh ? new Date(fresh.wall) : null);
    }
  }

  setInterval(check, 250);
  for (const event of ['visibilitychange', 'pageshow', 'focus', 'online', 'offline', 'resume']) {
    addEventListener(event, () => { check(); wake(); }, true);
  }
  (async () => { for (;;) await ask(); })();
  return { check };
}
