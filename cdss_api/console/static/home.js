import { homeOf } from './pages.js';
import { askStaying, toLogin } from './staying.js';
import { _ } from './translating.js';

const { ok, status, body } = await askStaying('GET', '/api/v1/auth/me');
if (status === 401) toLogin();
else if (ok) location.replace(homeOf(body.role));
else document.getElementById('message').textContent = body.detail ?? _('That did not work; try again.');
