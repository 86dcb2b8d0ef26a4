// How far a correction is: a bar and words.

/** Add the progress of a correction (as the API shows it) to a card, where it is open or was refused. */
export function addProgress(parent, correction) {
  if (!correction || correction.state === 'done') return;
  const line = document.createElement('p');
  if (correction.state === 'refused') {
    line.textContent = `Nothing of the images was changed: ${correction.problem}.`;
    line.className = 'refused';
    parent.append(line);
    return;
  }
  const bar = document.createElement('progress');
  bar.setAttribute('aria-label', 'Objects that are done');
  if (correction.total) {
    bar.max = correction.total;
    bar.value = correction.done;
  }
  line.textContent = correction.total ? `${correction.done} of ${correction.total} objects` : 'The images are being counted.';
  parent.append(bar, line);
}
