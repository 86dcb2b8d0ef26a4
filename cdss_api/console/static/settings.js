import { byId, element, fill } from './building.js';
import { askStaying as ask, toLogin } from './staying.js';
import { _ } from './translating.js';

const ORIGINS = {
  environment: _('environment'), dotenv: _('the file .env'), 'secret-file': _('a file of its own'), default: _('default'),
};
let all = [];

function valueOf(one) {
  if (one.secret) return element('span', one.is_set ? _('set, not shown') : _('not set'), 'quiet');
  return one.is_set ? element('code', one.value) : element('span', _('not set'), 'quiet');
}

function draw() {
  const text = byId('text').value.trim().toLowerCase();
  const fits = one => `${one.name} ${one.value ?? ''}`.toLowerCase().includes(text);
  const shown = all.filter(one => fits(one) && (!byId('given').checked || one.origin !== 'default'));
  fill(byId('settings'), shown.map(one => [element('code', one.name), valueOf(one), ORIGINS[one.origin]]), _('There is no such setting.'));
}

function warn({ name, found, advice }) {
  const item = element('li');
  item.append(element('code', name), ` ${_(found)}. `, element('span', `${_(advice)}.`, 'quiet'));
  return item;
}

const { ok, status, body } = await ask('GET', '/api/v1/settings');
if (status === 401) toLogin();
byId('message').textContent = ok || status === 403 ? '' : body.detail ?? _('That did not work; try again.');
if (ok) {
  all = body.settings;
  const none = element('li', _('There are none.'), 'quiet');
  byId('warnings').replaceChildren(...(body.warnings.length ? body.warnings.map(warn) : [none]));
  draw();
}
byId('filter').addEventListener('input', draw);
byId('filter').addEventListener('submit', event => event.preventDefault());
