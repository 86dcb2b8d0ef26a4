import { onSubmit } from './asking.js';
import { add, button, byId, element, fill } from './building.js';
import { number, time } from './formatting.js';
import { PRIORITIES, nameOf } from './naming.js';
import { askStaying as ask, toLogin } from './staying.js';
import { _ } from './translating.js';

const PAGE = 50;
const EVERY = 5000; // milliseconds between two looks at the destinations
const STATES = {
  queued: _('queued'), sending: _('sending'), sent: _('sent'), failed: _('failed'), superseded: _('superseded'),
};
const BREAKERS = { closed: _('in order'), open: _('away'), half_open: _('trying again') };
const WHEN = { on_arrival: _('on arrival'), by_command: _('by hand') };
const OWN = { leave: _('are not sent'), send: _('are sent') };
let wanted = {};
let before = null; // the number of the last series that is shown

async function asked(method, path) {
  const answer = await ask(method, path);
  if (answer.status === 401) toLogin();
  byId('message').textContent = answer.ok ? '' : answer.body.detail ?? _('That did not work; try again.');
  return answer;
}

async function destinations() {
  const [forwards, targets] = await Promise.all([asked('GET', '/api/v1/forwarding/destinations'), asked('GET', '/api/v1/outbox/targets')]);
  if (!forwards.ok || !targets.ok) return;
  const breakers = new Map(targets.body.targets.map(one => [one.target, one.breaker]));
  const rows = forwards.body.destinations.map(({ destination, counts }) => {
    const breaker = breakers.get(`dicom:${destination}`) ?? 'closed';
    const failed = element('span', number(counts.failed), counts.failed ? 'bad' : '');
    const state = element('span', BREAKERS[breaker], breaker === 'closed' ? '' : 'bad');
    return [destination, state, number(counts.queued), number(counts.sending), number(counts.sent), failed];
  });
  fill(byId('destinations'), rows, _('Nothing was forwarded yet.'));
}

function show(one) {
  const path = `/api/v1/outbox/messages/${one.message}/retry`;
  const again = async () => {
    if ((await asked('POST', path)).ok) await page(null);
  };
  const canRetry = one.message !== null && (one.state === 'failed' || (one.state === 'queued' && one.detail));
  const where = element('span', `${one.study} `, 'uid');
  where.append(document.createElement('br'), one.series);
  const patient = [one.patient_id, one.issuer].filter(Boolean).join(' / ');
  const state = element('span', STATES[one.state], one.state === 'failed' ? 'bad' : '');
  const act = canRetry ? button(_('Send again'), again, { label: _('Send series %(number)s again', one) }) : '';
  add(byId('forwards'), [time(one.created_at), one.destination, one.rule || _('by hand'), patient, where, state, one.detail ?? '', act]);
}

async function page(from) {
  const query = new URLSearchParams({ ...wanted, count: PAGE, ...(from && { before: from }) });
  const { ok, body } = await asked('GET', `/api/v1/forwarding?${query}`);
  if (!ok) return;
  if (!from) fill(byId('forwards'), [], _('There is no such series.'));
  if (!from && body.forwards.length) byId('forwards').replaceChildren();
  body.forwards.forEach(show);
  before = body.forwards.at(-1)?.number ?? before;
  byId('more').hidden = !body.more;
}

async function rules() {
  const { ok, body } = await asked('GET', '/api/v1/forwarding/rules');
  if (!ok) return;
  byId('file').textContent = body.file ? _('From %(file)s', body) : _('No file of rules is named: nothing goes on by itself.');
  byId('problem').textContent = body.problem ?? '';
  const rows = body.rules.map(one => {
    const to = element('span', one.known ? one.to : _('%(to)s is no modality that may store', one), one.known ? '' : 'bad');
    return [one.name, to, one.conditions.join('; '), WHEN[one.when], nameOf(PRIORITIES, one.priority), OWN[one.own_results]];
  });
  fill(byId('rules'), rows, _('There are none.'));
}

for (const [value, name] of Object.entries(STATES)) byId('state').add(new Option(name, value));
onSubmit(byId('search'), async ({ state, destination }) => {
  wanted = Object.fromEntries(Object.entries({ state, destination: destination.trim() }).filter(([, value]) => value));
  await page(null);
});
byId('more').addEventListener('click', () => page(before));
await Promise.all([destinations(), page(null), rules()]);
setInterval(() => document.visibilityState === 'visible' && destinations(), EVERY);
