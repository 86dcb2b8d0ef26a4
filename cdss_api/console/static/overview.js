import { byId, element, fill } from './building.js';
import { columns, rows } from './charts.js';
import { age, bytes, number, time } from './formatting.js';
import { JOB_STATES as STATES } from './naming.js';
import { askStaying as ask, toLogin } from './staying.js';
import { _ } from './translating.js';

const EVERY = 10 * 1000; // milliseconds between two looks
const FULL = 0.8; // of the disk, as the alert rule
const STATUSES = { ok: _('ok'), down: _('down') };
const NOTES = ['status', 'detail', 'milliseconds', 'age_seconds'];
let looked = null; // when the last answer came, in milliseconds
let asking = false;
let stopped = false;

function tile(value, name, { href, warns } = {}) {
  const made = element(href ? 'a' : 'div', '', warns ? 'tile warns' : 'tile');
  if (href) made.href = href;
  made.append(element('strong', value), element('span', name));
  return made;
}

function tiles({ now, health, days, unreported, held, targets, disk, backup }) {
  const parts = Object.values(health.parts);
  const well = parts.filter(one => one.status === 'ok').length;
  const { backlog, oldest_age: oldest } = health.parts.workers ?? {};
  const waiting = targets.reduce((sum, one) => sum + one.waiting, 0);
  const dead = targets.reduce((sum, one) => sum + one.dead, 0);
  const free = disk.free_bytes;
  const full = 1 - free / disk.bytes > FULL || free < disk.reserve_bytes;
  const waits = oldest ? _('wait for HTJ2K, for %(age)s', { age: age(oldest) }) : _('wait for HTJ2K');
  const encode = backlog === undefined ? _('encode backlog, not told') : waits;
  return [
    tile(_('%(well)s of %(all)s', { well, all: parts.length }), _('parts are well'), { href: '#parts', warns: well < parts.length }),
    tile(number(days.at(-1).studies), _('studies received today'), { href: '/console/studies' }),
    tile(backlog === undefined ? '?' : number(backlog), encode, { href: '/console/studies', warns: backlog === undefined }),
    tile(number(unreported), _('studies without a signed report'), { href: '/console/reading' }),
    tile(number(held), _('studies held'), { href: '/console/mismatches', warns: held > 0 }),
    tile(number(waiting), _('messages wait'), { href: '/console/outbox' }),
    tile(number(dead), _('dead letters'), { href: '/console/outbox', warns: dead > 0 }),
    tile(bytes(free), _('free of %(size)s', { size: bytes(disk.bytes) }), { warns: full }),
    tile(backup === null ? _('none') : age(Math.max(0, now - backup)), backup === null ? _('backup known here') : _('since the last backup'), { warns: backup === null }),
  ];
}

function says(part) {
  if (part.detail) return part.detail;
  const notes = Object.entries(part).filter(([name, value]) => !NOTES.includes(name) && value !== null);
  const written = ([name, value]) => `${name.replace('_bytes', '').replaceAll('_', ' ')} ${name.endsWith('_bytes') ? bytes(value) : Array.isArray(value) ? value.join(' ') : value}`;
  return notes.map(written).join(', ');
}

function table(id, list, none, cells, warns) {
  fill(byId(id), list.map(cells), none);
  list.forEach((one, row) => warns(one).forEach(at => (byId(id).rows[row].cells[at].className = 'warns')));
}

function targetState(target) {
  if (target.profile === null && !target.own) return _('removed');
  if (target.paused) return _('paused');
  return { closed: _('sending'), open: _('away'), half_open: _('trying again') }[target.breaker];
}

function show(body) {
  // Somebody on a tile by keyboard stays there.
  const focused = [...byId('tiles').children].indexOf(document.activeElement);
  byId('tiles').replaceChildren(...tiles(body));
  byId('tiles').children[focused]?.focus();
  const dayOf = text => String(Number(text.slice(8)));
  columns(byId('came'), body.days.map(({ day, studies }) => ({ label: dayOf(day), value: studies })));
  const counts = Object.fromEntries(body.jobs.map(one => [one.state, one.count]));
  const bars = Object.entries(STATES).map(([state, label]) => ({ label, value: counts[state] ?? 0, warns: state.startsWith('failed') }));
  rows(byId('jobs'), bars);
  byId('came').setAttribute('aria-label', _('Studies received: %(list)s', {
    list: body.days.map(({ day, studies }) => `${day} ${studies}`).join(', '),
  }));
  byId('jobs').setAttribute('aria-label', _('AI jobs: %(list)s', {
    list: bars.map(({ label, value }) => `${value} ${label}`).join(', '),
  }));
  const answered = one => (one.milliseconds === undefined ? '' : `${Math.round(one.milliseconds)} ms`);
  const asked = one => (one.age_seconds === undefined ? '' : _('%(age)s ago', { age: age(one.age_seconds) }));
  table('parts', Object.entries(body.health.parts), '', ([name, one]) => [name, STATUSES[one.status], says(one), answered(one), asked(one)],
    ([, one]) => (one.status === 'ok' ? [] : [1]));
  table('targets', body.targets, _('There are no targets.'),
    one => [one.target, targetState(one), number(one.waiting), one.waiting ? age(one.oldest_seconds) : '', number(one.dead)],
    one => [...(one.breaker === 'closed' && !one.paused ? [] : [1]), ...(one.dead ? [4] : [])]);
}

function tellAge() {
  if (looked !== null) byId('age').textContent = _('%(age)s old', { age: age((Date.now() - looked) / 1000) });
}

async function look() {
  if (asking || stopped || document.visibilityState === 'hidden') return;
  asking = true;
  const { ok, status, body } = await ask('GET', `/api/v1/overview?zone=${-new Date().getTimezoneOffset()}`);
  asking = false;
  if (status === 401) {
    stopped = true;
    return toLogin();
  }
  if (status === 403) stopped = true; // navigation.js says that the page is for others
  byId('message').textContent = ok || status === 403 ? '' : `${body.detail ?? _('That did not work.')} ${_('What is shown is old.')}`;
  if (!ok) return;
  looked = Date.now();
  byId('age').title = time(body.now);
  show(body);
  tellAge();
}

await look();
setInterval(look, EVERY);
setInterval(tellAge, 1000);
document.addEventListener('visibilitychange', look);
