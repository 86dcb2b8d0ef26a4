import { onSubmit } from './asking.js';
import { button, byId, element, fill } from './building.js';
import { number } from './formatting.js';
import { askStaying as ask, toLogin } from './staying.js';
import { _ } from './translating.js';

const OPERATIONS = {
  store: _('send images (C-STORE)'), find: _('search (C-FIND)'), get: _('fetch (C-GET)'), move: _('have images sent (C-MOVE)'),
  worklist: _('worklist'), mpps: _('say what was done (MPPS)'),
};
const PORT = 104;

const address = title => `/api/v1/modalities/${encodeURIComponent(title)}`;

async function echo(title, place) {
  place.className = 'quiet';
  place.textContent = _('Asking.');
  const { ok, body } = await ask('POST', `${address(title)}/echo`);
  place.className = ok ? 'good' : 'bad';
  place.textContent = ok
    ? _('answers, in %(count)s ms', { count: number(Math.round(body.seconds * 1000)) })
    : body.detail ?? _('That did not work; try again.');
}

async function remove(title) {
  if (!confirm(_('Refuse %(title)s from now on?', { title }))) return;
  const { ok, body } = await ask('DELETE', address(title));
  await list();
  if (!ok) byId('message').textContent = body.detail ?? _('That did not work; try again.');
}

function cells(one) {
  const { title } = one;
  const answer = element('span');
  answer.setAttribute('role', 'status');
  const asking = button(_('C-ECHO'), () => echo(title, answer), { label: _('Ask %(title)s by C-ECHO', { title }) });
  const acts = [
    button(_('Change'), () => open(one), { className: 'second', label: _('Change %(title)s', { title }) }),
    button(_('Remove'), () => remove(title), { className: 'danger', label: _('Remove %(title)s', { title }) }),
  ];
  const may = one.operations.map(name => OPERATIONS[name]).join(', ');
  return [title, `${one.host}:${one.port}`, may, one.issuer, [asking, answer], acts];
}

async function list() {
  const { ok, status, body } = await ask('GET', '/api/v1/modalities');
  if (status === 401) return toLogin();
  byId('message').textContent = ok ? '' : body.detail ?? _('That did not work; try again.');
  if (ok) fill(byId('modalities'), body.modalities.map(cells), _('There are none.'));
  return undefined;
}

/** Open the window for a modality; without one, for a new one. */
function open(one = { title: '', host: '', port: PORT, operations: ['store'], issuer: '' }) {
  byId('one-title').textContent = one.title || _('New modality');
  for (const name of ['title', 'host', 'port', 'issuer']) byId(name).value = one[name];
  byId('title').readOnly = Boolean(one.title);
  for (const box of byId('operations').querySelectorAll('input')) box.checked = one.operations.includes(box.value);
  byId('one').querySelector('[role="alert"]').textContent = '';
  byId('one').showModal();
}

for (const [value, name] of Object.entries(OPERATIONS)) {
  const label = element('label');
  const box = element('input');
  Object.assign(box, { type: 'checkbox', value });
  label.append(box, name);
  byId('operations').append(label);
}
onSubmit(byId('one').querySelector('form'), async ({ title, host, port, issuer }) => {
  const operations = [...byId('operations').querySelectorAll('input:checked')].map(box => box.value);
  if (!title.trim() || !host.trim()) return _('Give an AE title and an IP address.');
  const modality = { host: host.trim(), port: Number(port), operations, issuer: issuer.trim() };
  const { ok, body } = await ask('PUT', address(title.trim()), modality);
  if (!ok) return body.detail ?? _('That did not work; try again.');
  byId('one').close();
  return void (await list());
});
byId('new').addEventListener('click', () => open());
byId('close').addEventListener('click', () => byId('one').close());
await list();
