// Pages that stay open all day: the login is renewed as the viewer does it, and a question that finds it over asks again.
import { ask } from './asking.js';

const REFRESH = '/api/v1/auth/refresh';
const EVERY = 4 * 60 * 1000; // the access token holds for ten minutes
const REFRESHED = 'neuronova-refreshed'; // when any tab of this browser last did

// A refresh token can be used once: one tab at a time.
function refresh(force) {
  const locks = navigator.locks ?? { request: (_name, run) => run() };
  return locks.request('neuronova-refresh', async () => {
    if (!force && Date.now() - Number(localStorage.getItem(REFRESHED)) < EVERY / 2) return true;
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(REFRESH, { method: 'POST', headers, body: '{}' }).catch(() => null);
    if (answer?.ok) localStorage.setItem(REFRESHED, Date.now());
    return Boolean(answer?.ok);
  });
}

/** Ask the API as `ask` does; a login that has ended is renewed once. `headers` go with it. */
export async function askStaying(method, path, body, headers) {
  const first = await ask(method, path, body, headers);
  if (first.status !== 401 || !(await refresh(true))) return first;
  return ask(method, path, body, headers);
}

/** Renew the login while the page is open. */
export function stay() {
  setInterval(() => refresh(false), EVERY);
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && refresh(false));
}

/** Go to the login, and come back here. */
export function toLogin() {
  location.replace(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}
