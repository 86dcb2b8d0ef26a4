import { onSubmit } from './asking.js';
import { add, button, byId, element, fill } from './building.js';
import { moment, number } from './formatting.js';
import { ROLES } from './naming.js';
import { askStaying as ask, toLogin } from './staying.js';
import { _ } from './translating.js';

const PAGE = 100;
const SHORTEST = 12; // characters of a password
const GROUNDS = { 'care-team': _('care team'), 'break-glass': _('emergency access'), own: _('own record') };
let wanted = {};
let after = null; // the last name that is shown
let opened = null; // the account whose window is open

const address = (account, rest = '') => `/api/v1/users/${account.id}${rest}`;
const whose = ({ patient_id, issuer }) => ({ patient_id: patient_id.trim(), issuer: issuer.trim() });

function stateOf(account) {
  const state = element('span', account.enabled ? _('active') : _('locked'), account.enabled ? '' : 'bad');
  const notes = [account.one_time_password && _('one-time password'), account.outside && _('identity provider')];
  return [state, element('span', notes.filter(Boolean).map(one => ` · ${one}`).join(''), 'quiet')];
}

function show(account) {
  const name = account.username;
  const login = account.last_login ? moment(account.last_login) : _('never');
  const grants = [account.grants.care_team, account.grants.break_glass].map(one => (one ? number(one) : ''));
  const act = button(name, () => open(account.id), { className: 'second', label: _('Manage %(user)s', { user: name }) });
  const row = add(byId('users'), [act, account.display_name, ROLES[account.role], stateOf(account), login, ...grants]);
  if (account.grants.break_glass) row.cells[6].className = 'warns';
}

async function page(from) {
  const query = new URLSearchParams({ ...wanted, limit: PAGE, ...(from && { after: from }) });
  const { ok, status, body } = await ask('GET', `/api/v1/users?${query}`);
  if (status === 401) return toLogin();
  if (!ok) return body.detail ?? _('That did not work; try again.');
  if (!from) fill(byId('users'), [], _('There is no such account.'));
  if (!from && body.users.length) byId('users').replaceChildren();
  body.users.forEach(show);
  after = body.users.at(-1)?.username ?? after;
  byId('more').hidden = body.users.length < PAGE;
  return '';
}

/** Carry out a change of the account whose window is open; show it as it is then. */
async function change(method, rest, body) {
  const answer = await ask(method, address(opened, rest), body);
  byId('one-message').textContent = answer.ok ? '' : answer.body.detail ?? _('That did not work; try again.');
  if (answer.ok) await open(opened.id);
  return answer.ok;
}

function grantItem(one) {
  const who = [one.patient_id, one.issuer].filter(Boolean).join(' / ');
  const until = one.until ? _('until %(at)s', { at: moment(one.until) }) : '';
  const item = element('li');
  item.append(element('span', [who, GROUNDS[one.ground] ?? one.ground, until, one.reason].filter(Boolean).join(' · ')));
  if (one.ground === 'own') return item;
  item.append(button(_('End'), async () => {
    const sure = _('End the access of %(user)s to patient %(patient)s?', { user: opened.username, patient: who });
    if (confirm(sure)) await change('DELETE', `/grants?${new URLSearchParams({ patient_id: one.patient_id, issuer: one.issuer })}`);
  }, { className: 'second', label: _('End the access to %(patient)s', { patient: who }) }));
  return item;
}

function states(account) {
  const user = account.username;
  const acts = [];
  const sure = _('Lock the account %(user)s? Its logins end at once.', { user });
  if (account.enabled) acts.push(button(_('Lock'), () => confirm(sure) && change('PATCH', '', { enabled: false }), { className: 'danger' }));
  else acts.push(button(_('Unlock'), () => change('PATCH', '', { enabled: true })));
  const lost = _('Ask %(user)s for no more one-time passwords?', { user });
  if (account.one_time_password) acts.push(button(_('Remove one-time password'), () => confirm(lost) && change('DELETE', '/totp'), { className: 'second' }));
  byId('states').replaceChildren(...acts);
}

async function open(id) {
  const [account, grants] = await Promise.all([ask('GET', `/api/v1/users/${id}`), ask('GET', `/api/v1/users/${id}/grants?limit=1000`)]);
  if (!account.ok || !grants.ok) {
    byId('message').textContent = (account.ok ? grants : account).body.detail;
    return;
  }
  opened = account.body;
  byId('one-title').textContent = [opened.username, ROLES[opened.role]].join(' · ');
  byId('one-name').value = opened.display_name;
  byId('one-role').value = opened.role;
  byId('one-role').disabled = opened.role === 'patient';
  byId('password').hidden = opened.outside;
  states(opened);
  const items = grants.body.grants.map(grantItem);
  byId('grants').replaceChildren(...(items.length ? items : [element('li', _('There are none.'), 'quiet')]));
  if (!byId('one').open) {
    byId('one-message').textContent = '';
    byId('one').showModal();
  }
}

for (const [role, name] of Object.entries(ROLES)) {
  if (role === 'service') continue; // has no accounts
  byId('role').add(new Option(name, role));
  byId('new-role').add(new Option(name, role));
  byId('one-role').add(new Option(name, role));
}
byId('one-role').querySelector('[value="patient"]').hidden = true; // whose record it is is said when it is made
byId('new-role').value = 'doctor';
byId('new-role').addEventListener('change', ({ target }) => { byId('whose').hidden = target.value !== 'patient'; });

onSubmit(byId('search'), ({ text, role, enabled }) => {
  wanted = Object.fromEntries(Object.entries({ text: text.trim(), role, enabled }).filter(([, value]) => value));
  return page(null);
});
onSubmit(byId('adding').querySelector('form'), async ({ username, display_name, role, password, ...patient }) => {
  if (!username.trim()) return _('Give a username.');
  if (password.length < SHORTEST) return _('The password is too short.');
  const made = { username: username.trim(), display_name, role, password, ...(role === 'patient' && { patient: whose(patient) }) };
  const { ok, body } = await ask('POST', '/api/v1/users', made);
  if (!ok) return body.detail ?? _('That did not work; try again.');
  byId('adding').close();
  return void (await page(null));
});
onSubmit(byId('changing'), async ({ display_name, role }) => {
  const { ok, body } = await ask('PATCH', address(opened), { display_name, ...(role && role !== opened.role && { role }) });
  if (!ok) return body.detail ?? _('That did not work; try again.');
  return void (await open(opened.id));
});
onSubmit(byId('password'), async ({ password }) => {
  if (password.length < SHORTEST) return _('The password is too short.');
  if (!confirm(_('Replace the password of %(user)s? Its logins end.', { user: opened.username }))) return '';
  const { ok, body } = await ask('POST', address(opened, '/password'), { password });
  if (!ok) return body.detail ?? _('That did not work; try again.');
  byId('password').reset();
  return _('The password was replaced.');
});
onSubmit(byId('granting'), async patient => {
  const { ok, body } = await ask('POST', address(opened, '/grants'), whose(patient));
  if (!ok) return body.detail ?? _('That did not work; try again.');
  byId('granting').reset();
  return void (await open(opened.id));
});
byId('new').addEventListener('click', () => {
  byId('adding').querySelector('form').reset();
  byId('new-role').value = 'doctor';
  byId('whose').hidden = true;
  byId('adding').showModal();
});
for (const one of document.querySelectorAll('.closes')) one.addEventListener('click', () => one.closest('dialog').close());
byId('one').addEventListener('close', () => page(null));
byId('more').addEventListener('click', async () => { byId('message').textContent = await page(after); });
byId('message').textContent = (await page(null)) ?? '';
