// What the pages share: a question to the API, and its answer or what went wrong, in words.

/** Ask the API; returns {ok, status, body}, with body.detail a sentence for people where it is not ok. */
export async function ask(method, path, body, headers = {}) {
  try {
    const response = await fetch(path, {
      method,
      headers: { Accept: 'application/json', ...(body && { 'Content-Type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { ok: response.ok, status: response.status, body: text ? JSON.parse(text) : {} };
  } catch {
    return { ok: false, status: 0, body: { detail: 'The server does not answer; try again in a moment.' } };
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
