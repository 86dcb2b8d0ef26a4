import { ask, onSubmit } from './asking.js';
import { _ } from './translating.js';

const form = document.getElementById('break');
const study = form.dataset.study;
const { ok, body } = await ask('GET', '/api/v1/auth/me');
form.hidden = !(ok && study && body.permissions.includes('patients:break-glass'));

onSubmit(form, async ({ reason }) => {
  if (reason.trim().length < 10) return _('Give a reason of at least ten characters.');
  const path = `/api/v1/access/studies/${encodeURIComponent(study)}/break-glass`;
  const opened = await ask('POST', path, { reason });
  if (!opened.ok) return opened.body.detail ?? _('That did not work; try again.');
  // Orthanc hears of it within a second.
  await new Promise(resolve => setTimeout(resolve, 1000));
  location.replace(`/viewer?StudyInstanceUIDs=${encodeURIComponent(study)}`);
  return undefined;
});
