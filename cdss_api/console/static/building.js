// What pages are built of.

export const byId = id => document.getElementById(id);

/** Make an element with a text. */
export function element(name, text = '', className = '') {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** Make a small button that takes the next press once `act` has ended; `label` says more than its text to who does not see it. */
export function button(text, act, { className = '', label } = {}) {
  const made = element('button', text, `small ${className}`);
  made.type = 'button';
  if (label) made.setAttribute('aria-label', label);
  made.addEventListener('click', async () => {
    made.disabled = true;
    await act();
    made.disabled = false;
  });
  return made;
}

/** Put rows into a table's body: texts, or elements; `none` is said in the place of no row. */
export function fill(body, rows, none) {
  body.replaceChildren();
  for (const cells of rows) add(body, cells);
  if (rows.length) return;
  const cell = body.insertRow().insertCell();
  cell.colSpan = body.parentElement.tHead.rows[0].cells.length;
  cell.textContent = none;
}

/** Add one row, and return it. */
export function add(body, cells) {
  const row = body.insertRow();
  for (const one of cells) row.insertCell().append(...[one ?? ''].flat());
  return row;
}
