// Requests to this Monitor, which sends them to the API with the key of the person who is signed in.

export class Refused extends Error {
  constructor(status, code, text, retryAfter) {
    super(text);
    Object.assign(this, { status, code, retryAfter });
  }
}

let onSignedOut = () => {};
export const whenSignedOut = action => { onSignedOut = action; };

async function send(method, path, body, reason) {
  const headers = { 'x-sendcat-console': '1' };
  if (reason) headers['x-sendcat-reason'] = encodeURIComponent(reason);
  if (body) headers['content-type'] = 'application/json';
  let response;
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Refused(0, 'no_connection', 'The Monitor does not respond');
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  if (response.status === 401 && path !== '/api/session') onSignedOut();
  const text = (await response.text()).slice(0, 500) || `Status ${response.status}`;
  throw new Refused(response.status, response.headers.get('x-sendcat-error-code'), text, response.headers.get('retry-after'));
}

export const sessions = {
  who: () => send('GET', '/api/session'),
  enter: key => send('POST', '/api/session', { key }),
  leave: () => send('DELETE', '/api/session'),
};

export const read = path => send('GET', `/api/ops/${path}`);
export const change = (method, path, reason, body) => send(method, `/api/ops/${path}`, body, reason);
export const publicStatus = () => send('GET', '/api/status');

/** A query string of the values that are set. */
export function query(values) {
  const set = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return set.length ? `?${new URLSearchParams(set)}` : '';
}
