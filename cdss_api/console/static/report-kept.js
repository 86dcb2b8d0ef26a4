// Text that is not saved yet, in this browser: it outlives a lost login, a crash, and a server that is away.
const PREFIX = 'neuronova-report:';

/** Keep what is written of a study: {conclusion, codes, key_images, version}. */
export function keep(study, content) {
  try { localStorage.setItem(PREFIX + study, JSON.stringify(content)); } catch { /* full: the next save keeps it */ }
}

/** Return what was kept, or null. */
export function kept(study) {
  try { return JSON.parse(localStorage.getItem(PREFIX + study)); } catch { return null; }
}

/** Forget it: it was saved. */
export function forget(study) {
  localStorage.removeItem(PREFIX + study);
}
