// What opens below its name.

/** Return a name that shows its panel, and hides it again with Escape or a click beside it. */
export function dropping(summary, panel) {
  const made = document.createElement('details');
  made.className = 'drop';
  panel.classList.add('panel');
  made.append(summary, panel);
  document.addEventListener('click', event => !made.contains(event.target) && made.removeAttribute('open'));
  made.addEventListener('keydown', event => {
    if (event.key !== 'Escape') return;
    made.removeAttribute('open');
    summary.focus();
  });
  return made;
}
