import { onSubmit } from './asking.js';
import { byId } from './building.js';
import { moment as time, number } from './formatting.js';
import { ROLES, nameOf } from './naming.js';
import { askStaying as ask, toLogin } from './staying.js';
import { _ } from './translating.js';

const SVG = 'http://www.w3.org/2000/svg';
const OUTCOMES = { denied: _('denied'), failed: _('failed'), allowed: _('allowed') };
const ACTIONS = {
  query: _('query'), read: _('read'), store: _('store'), delete: _('delete'), disclose: _('disclose'),
  manage: _('manage'), find: _('find'), get: _('get'), move: _('move'), worklist: _('worklist'),
  login: _('login'), logout: _('logout'), refresh: _('refresh'), grant: _('grant'), revoke: _('revoke'),
  'break-glass': _('break-glass'), account: _('account'), link: _('link'), key: _('key'),
  settings: _('settings'), start: _('start'), stop: _('stop'), search: _('search'), export: _('export'),
  cut: _('cut'),
};
const PAGE = 100; // records
const HOURS_UP_TO = 3; // days that are shown by the hour
let asked = {};
let lists = []; // what is shown one after the other: a filter, and where its next page begins

function cells(row, texts) {
  for (const text of texts) row.insertCell().textContent = text;
}

function told(record) {
  if (!record.detail.startsWith('{')) return [record.reason, record.detail].filter(Boolean).join(' · ');
  const { reason, what, ...rest } = JSON.parse(record.detail);
  const others = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
  return [what, reason ?? record.reason, ...others].filter(Boolean).join(' · ');
}

function show(record) {
  const row = byId('records').insertRow();
  row.className = `${record.outcome} ${record.action}`;
  const who = record.user || record.aet || _('(nobody)');
  const whom = [record.patient_id, record.issuer].filter(Boolean).join(' / ');
  cells(row, [time(record.time), record.role ? `${who} (${nameOf(ROLES, record.role)})` : who, nameOf(ACTIONS, record.action), nameOf(OUTCOMES, record.outcome), whom]);
  cells(row, [record.study, number(record.count), record.address, told(record)]);
}

async function more() {
  const enough = byId('records').rows.length + PAGE;
  while (lists.length && byId('records').rows.length < enough) {
    const [first] = lists;
    const query = new URLSearchParams({ ...asked, ...first.filter, limit: String(PAGE), ...(first.after && { after: first.after }) });
    const { ok, body } = await ask('GET', `/api/v1/audit/records?${query}`);
    if (!ok) return body.detail ?? _('That did not work; try again.');
    // A result tells how the accesses that its decision stands for ended: the decision is shown.
    body.records.filter(one => one.refers_to === null || one.count > 0).forEach(show);
    if (body.next) first.after = body.next;
    else lists.shift();
  }
  byId('more').hidden = !lists.length;
  return byId('records').rows.length ? '' : _('Nobody did anything of this kind.');
}

function draw(counts, step) {
  const chart = byId('chart');
  chart.replaceChildren();
  const totals = new Map();
  for (const { start, outcome, accesses } of counts) {
    const at = Date.parse(start);
    totals.set(at, { ...totals.get(at), [outcome]: accesses });
  }
  byId('span').textContent = '';
  if (!totals.size) return;
  const first = Math.min(...totals.keys());
  const last = Math.max(...totals.keys());
  const places = (last - first) / step + 1;
  const sum = one => Object.keys(OUTCOMES).reduce((all, outcome) => all + (one[outcome] ?? 0), 0);
  const highest = Math.max(...[...totals.values()].map(sum));
  const width = Math.min(1000 / places, 60);
  for (const [at, one] of totals) {
    let top = 160;
    for (const outcome of Object.keys(OUTCOMES)) {
      const height = ((one[outcome] ?? 0) / highest) * 150;
      if (!height) continue;
      top -= Math.max(height, 2);
      const bar = document.createElementNS(SVG, 'rect');
      const box = { x: ((at - first) / step) * width, y: top, width: Math.max(width - 2, 1), height: Math.max(height, 2) };
      for (const [name, value] of Object.entries(box)) bar.setAttribute(name, value);
      bar.setAttribute('class', outcome);
      const title = document.createElementNS(SVG, 'title');
      title.textContent = `${time(at)}: ${number(one[outcome])} ${OUTCOMES[outcome]}`;
      bar.append(title);
      chart.append(bar);
    }
  }
  byId('span').textContent = _('%(first)s to %(last)s, at most %(most)s accesses', {
    first: time(first), last: time(last + step), most: number(highest),
  });
}

async function search({ patient_id, user, outcome, days }) {
  const since = new Date(Date.now() - Number(days) * 86400e3).toISOString();
  asked = { since, ...(patient_id && { patient_id }), ...(user && { user }) };
  lists = outcome ? [{ filter: { outcome } }] : Object.keys(OUTCOMES).map(one => ({ filter: { outcome: one } }));
  byId('records').replaceChildren();
  const daily = Number(days) > HOURS_UP_TO;
  const query = new URLSearchParams({ ...asked, ...(outcome && { outcome }), daily: String(daily) });
  const counted = await ask('GET', `/api/v1/audit/counts?${query}`);
  if (!counted.ok) return counted.status === 403 ? _('Your role does not read the audit trail.') : counted.body.detail;
  draw(counted.body.counts, daily ? 86400e3 : 3600e3);
  return more();
}

async function emergencies() {
  const { ok, body } = await ask('GET', '/api/v1/access/break-glass');
  byId('broken').hidden = !(ok && body.grants.length);
  const users = new Map();
  if (ok && body.grants.length) {
    const known = await ask('GET', '/api/v1/users?limit=500');
    for (const one of known.body.users ?? []) users.set(one.id, one.username);
  }
  for (const one of ok ? body.grants : []) {
    const item = document.createElement('li');
    item.textContent = _('%(user)s opened %(patient)s, until %(until)s: %(reason)s', {
      user: users.get(one.account) ?? one.account, patient: one.patient_id, until: time(one.until), reason: one.reason,
    });
    byId('broken').querySelector('ul').append(item);
  }
}

const me = await ask('GET', '/api/v1/auth/me');
if (me.status === 401) toLogin();
onSubmit(byId('search'), search);
byId('more').addEventListener('click', more);
await emergencies();
byId('search').requestSubmit();
