// The live feed: sections of the API's state as the Monitor sends them, and the connection to it.
import { useEffect, useState } from './ui.js';
import { sessions, whenSignedOut } from './http.js';

const listeners = new Set();
const state = {
  session: undefined, // undefined: not known yet; null: signed out
  connected: false,
  lostAt: null,
  sections: {},
  skew: 0, // of this machine's clock
};

let source;
let scheduled = false;

function changed() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    listeners.forEach(listener => listener({}));
  });
}

export function useLive() {
  const [, update] = useState();
  useEffect(() => {
    listeners.add(update);
    return () => listeners.delete(update);
  }, []);
  return state;
}

/** The last data of a section; undefined before the first. */
export const data = name => state.sections[name]?.data;

export const isOperator = () => state.session?.role === 'operator';
export const now = () => Date.now() + state.skew;

/** The time, every second. */
export function useNow() {
  const [at, set] = useState(now());
  useEffect(() => {
    const timer = setInterval(() => set(now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return at;
}

export async function begin() {
  whenSignedOut(() => signedOut('Your session has ended. Sign in again.'));
  try {
    signedIn(await sessions.who());
  } catch {
    state.session = null;
    changed();
  }
}

export function signedIn(session) {
  state.session = session;
  state.notice = null;
  follow();
  changed();
}

export function signedOut(notice) {
  source?.close();
  source = null;
  Object.assign(state, { session: null, connected: false, sections: {}, notice });
  changed();
}

function follow() {
  source?.close();
  source = new EventSource('/api/live');
  source.addEventListener('open', () => {
    Object.assign(state, { connected: true, lostAt: null });
    changed();
  });
  source.addEventListener('error', () => {
    state.connected = false;
    state.lostAt ??= now();
    changed();
    // The browser gives up after a response that is no stream: the session has ended, or a proxy answers for the Monitor.
    if (source?.readyState === EventSource.CLOSED) setTimeout(again, 2000);
  });
  source.addEventListener('signed-out', () => signedOut('Your key is no longer valid, or the session is over. Sign in again.'));
  source.addEventListener('beat', event => {
    const beat = JSON.parse(event.data);
    state.skew = new Date(beat.now).getTime() - Date.now();
    for (const [name, at] of Object.entries(beat.read)) if (state.sections[name]) state.sections[name].at = at;
    changed();
  });
  source.addEventListener('section', event => {
    const { name, ...section } = JSON.parse(event.data);
    state.sections[name] = section;
    changed();
  });
}

async function again() {
  if (!state.session) return;
  try {
    signedIn(await sessions.who());
  } catch (refused) {
    if (refused.status === 401) signedOut('Your session has ended. Sign in again.');
    else setTimeout(again, 2000);
  }
}
