import { onSubmit } from './asking.js';
import { add, button, byId, element, fill } from './building.js';
import { time } from './formatting.js';
import { askStaying as ask, toLogin } from './staying.js';
import { _ } from './translating.js';

const PAGE = 50;
const STATES = {
  queued: _('queued'), fetching: _('being fetched'), done: _('done'), failed: _('failed'), superseded: _('superseded'),
};
const STUDIES = {
  queued: _('queued'), fetching: _('being fetched'), fetched: _('fetched'), present: _('was here'),
  doubtful: _('doubtful, not fetched'), failed: _('failed'), left: _('not wanted any more'),
};
const COME_AS = { prior: _('earlier studies'), new: _('new studies') };
let wanted = {};
let before = null; // the number of the last order that is shown

async function asked(method, path) {
  const answer = await ask(method, path);
  if (answer.status === 401) toLogin();
  byId('message').textContent = answer.ok ? '' : answer.body.detail ?? _('That did not work; try again.');
  return answer;
}

function study(one) {
  const date = one.date.replace(/(\d{4})(\d\d)(\d\d)/, '$1-$2-$3'); // VR DA
  const called = [date, one.modalities, one.description].filter(Boolean).join(' · ');
  const bad = one.state === 'failed' || one.state === 'doubtful';
  const line = element('div', `${called || one.study}: `);
  line.append(element('span', STUDIES[one.state], bad ? 'bad' : ''), one.detail ? ` (${one.detail})` : '');
  line.title = one.study;
  return line;
}

function action(one) {
  const waits = one.state === 'failed' || (one.detail && (one.state === 'queued' || one.state === 'fetching'));
  const ended = one.state === 'done' || one.state === 'superseded';
  if (!ended && !(waits && one.message !== null)) return '';
  const path = ended ? `/api/v1/prefetch/${one.number}/again` : `/api/v1/outbox/messages/${one.message}/retry`;
  const again = async () => {
    if ((await asked('POST', path)).ok) await page(null);
  };
  return button(_('Ask again'), again, { label: _('Ask again for order %(order)s', one) });
}

function show(one) {
  const studies = element('div');
  studies.append(...one.priors.map(study));
  const patient = [one.patient_id, one.issuer].filter(Boolean).join(' / ');
  const from = [element('div', one.archive), element('div', one.rule, 'quiet')];
  const state = [element('div', STATES[one.state], one.state === 'failed' ? 'bad' : ''), element('div', one.detail ?? '', 'quiet')];
  add(byId('orders'), [time(one.created_at), patient, from, state, studies, action(one)]);
}

async function page(from) {
  const query = new URLSearchParams({ ...wanted, count: PAGE, ...(from && { before: from }) });
  const { ok, body } = await asked('GET', `/api/v1/prefetch?${query}`);
  if (!ok) return;
  if (!from) fill(byId('orders'), [], _('There is no such order.'));
  if (!from && body.prefetches.length) byId('orders').replaceChildren();
  body.prefetches.forEach(show);
  before = body.prefetches.at(-1)?.number ?? before;
  byId('more').hidden = !body.more;
}

const some = values => values.join(', ');

function orders(rule) {
  return [rule.order_modalities, rule.order_codes, rule.order_words].map(some).filter(Boolean).join('; ') || _('all');
}

function priors(rule) {
  const limits = [_('at most %(most)s', rule), rule.years ? _('not older than %(years)s years', rule) : ''];
  return [some(rule.modalities), some(rule.words), ...limits].filter(Boolean).join('; ');
}

async function rules() {
  const { ok, body } = await asked('GET', '/api/v1/prefetch/rules');
  if (!ok) return;
  byId('file').textContent = body.file ? _('From %(file)s', body) : _('No file of rules is named: nothing is fetched.');
  const rows = body.rules.map(one => {
    const from = one.known ? one.archive : _('%(archive)s is no modality that may store', one);
    return [one.name, element('span', from, one.known ? '' : 'bad'), orders(one), priors(one), COME_AS[one.comes_as]];
  });
  fill(byId('rules'), rows, _('There are none.'));
}

for (const [value, name] of Object.entries(STATES)) byId('state').add(new Option(name, value));
onSubmit(byId('search'), async ({ state }) => {
  wanted = state ? { state } : {};
  await page(null);
});
byId('more').addEventListener('click', () => page(before));
await Promise.all([page(null), rules()]);
