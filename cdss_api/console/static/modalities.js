import { onSubmit } from './asking.js';
import { button, byId, element, fill } from './building.js';
import { bytes, number } from './formatting.js';
import { askStaying as ask, toLogin } from './staying.js';
import { _ } from './translating.js';

const OPERATIONS = {
  store: _('send images (C-STORE)'), find: _('search (C-FIND)'), get: _('fetch (C-GET)'), move: _('have images sent (C-MOVE)'),
  worklist: _('worklist'), mpps: _('say what was done (MPPS)'),
};
const PORT = 104;
const MIB = 2 ** 20;

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

/** What came from it since midnight, of what it may store in a day. */
function today({ received_today: received, daily_mib: limit }) {
  const came = received === null ? _('not known') : bytes(received);
  if (limit === null) return element('span', came);
  const text = _('%(size)s of %(limit)s', { size: came, limit: bytes(limit * MIB) });
  const full = received !== null && received >= limit * MIB;
  return element('span', full ? _('%(text)s: refused until midnight', { text }) : text, full ? 'bad' : '');
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
  const where = `${one.host}:${one.port}`;
  return [title, one.tls ? _('%(address)s, by TLS', { address: where }) : where, may, today(one), one.issuer, [asking, answer], acts];
}

async function list() {
  const { ok, status, body } = await ask('GET', '/api/v1/modalities');
  if (status === 401) return toLogin();
  byId('message').textContent = ok ? '' : body.detail ?? _('That did not work; try again.');
  if (ok) fill(byId('modalities'), body.modalities.map(cells), _('There are none.'));
  return undefined;
}

/** Open the window for a modality; without one, for a new one. */
function open(one = { title: '', host: '', port: PORT, operations: ['store'], issuer: '', tls: false, daily_mib: null }) {
  byId('one-title').textContent = one.title || _('New modality');
  for (const name of ['title', 'host', 'port', 'issuer']) byId(name).value = one[name];
  byId('title').readOnly = Boolean(one.title);
  byId('tls').checked = one.tls;
  byId('daily').value = one.daily_mib ?? '';
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
onSubmit(byId('one').querySelector('form'), async ({ title, host, port, issuer, daily }) => {
  const operations = [...byId('operations').querySelectorAll('input:checked')].map(box => box.value);
  if (!title.trim() || !host.trim()) return _('Give an AE title and an IP address.');
  if (!/^\s*\d*\s*$/.test(daily)) return _('Give the MiB of a day as a whole number, or nothing.');
  const limit = daily.trim() ? Number(daily) : null;
  const modality = {
    host: host.trim(), port: Number(port), operations, issuer: issuer.trim(), tls: byId('tls').checked, daily_mib: limit,
  };
  const { ok, body } = await ask('PUT', address(title.trim()), modality);
  if (!ok) return body.detail ?? _('That did not work; try again.');
  byId('one').close();
  return void (await list());
});
byId('new').addEventListener('click', () => open());
byId('close').addEventListener('click', () => byId('one').close());
await list();
