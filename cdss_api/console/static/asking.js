// What the pages share: a question to the API, and its answer or what went wrong, in words.
import { _, said } from './translating.js';

/** Return a problem (RFC 9457) with its detail in the reader's language, and what is wrong with which input behind it. */
function inWords(problem) {
  if (!problem.detail) return problem;
  const inputs = (problem.errors ?? []).map(({ pointer, detail }) => `${pointer.slice(1)}: ${detail}`);
  return { ...problem, detail: [said(problem.detail), ...inputs].join(' ') };
}

/** Ask the API; returns {ok, status, body}, with body.detail a sentence for people where it is not ok. */
export async function ask(method, path, body, headers = {}) {
  try {
    const response = await fetch(path, {
      method,
      headers: { Accept: 'application/json', ...(body && { 'Content-Type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = text ? JSON.parse(text) : {};
    return { ok: response.ok, status: response.status, body: response.ok ? answer : inWords(answer) };
  } catch {
    return { ok: false, status: 0, body: { detail: _('The server does not answer; try again in a moment.') } };
  }
}

/** Handle a form's submission by `send(values)`, which returns what to tell, or nothing; one at a time. */
export function onSubmit(form, send) {
  const button = form.querySelector('button');
  const message = form.querySelector('[role="alert"]');
  form.addEventListener('submit', async event => {
    event.preventDefault();
    button.disabled = true;
    message.textContent = '';
    message.textContent = (await send(Object.fromEntries(new FormData(form)))) ?? '';
    button.disabled = false;
  });
}
