// How far a correction is: a bar and words.
import { number } from './formatting.js';
import { _ } from './translating.js';

/** Add the progress of a correction (as the API shows it) to a card, where it is open or was refused. */
export function addProgress(parent, correction) {
  if (!correction || correction.state === 'done') return;
  const line = document.createElement('p');
  if (correction.state === 'refused') {
    line.textContent = _('Nothing of the images was changed: %(why)s.', { why: correction.problem });
    line.className = 'refused';
    parent.append(line);
    return;
  }
  const bar = document.createElement('progress');
  bar.setAttribute('aria-label', _('Objects that are done'));
  if (correction.total) {
    bar.max = correction.total;
    bar.value = correction.done;
  }
  line.textContent = correction.total
    ? _('%(done)s of %(total)s objects', { done: number(correction.done), total: number(correction.total) })
    : _('The images are being counted.');
  parent.append(bar, line);
}
