import { ask, onSubmit } from './asking.js';
import { _ } from './translating.js';

const form = document.getElementById('login');
const second = document.getElementById('second');

onSubmit(form, async ({ username, password, otp }) => {
  if (!username || !password) return _('Give your username and password.');
  const asked = { username, password, ...(otp && { otp }) };
  const { ok, body } = await ask('POST', '/api/v1/auth/login', asked);
  if (ok) {
    location.replace(form.dataset.next);
    return undefined;
  }
  if (body.code === 'otp_required') {
    second.hidden = false;
    document.getElementById('otp').focus();
    return _('Give the one-time password of your app too.');
  }
  document.getElementById('password').value = '';
  return body.detail ?? _('That did not work; try again.');
});
