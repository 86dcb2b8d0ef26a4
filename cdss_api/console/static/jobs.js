import { add, button, byId, fill } from './building.js';
import { age as inWords, number, time } from './formatting.js';
import { JOB_STATES as STATES, PRIORITIES, nameOf } from './naming.js';
import { askStaying as ask, toLogin } from './staying.js';
import { _, locale } from './translating.js';

const PAGE = 50;
const EVERY = 3000; // milliseconds between two looks
const WARNS = ['failed_transient', 'failed_permanent'];
const OPEN = ['queued', 'running', 'failed_transient'];
const RETRIED = ['failed_transient', 'failed_permanent', 'not_evaluable', 'cancelled'];
let before = null; // the number of the last job that is shown
let pages = 0;
let known = null; // what the overview said of the list that is shown

const DIGIT = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
const took = seconds => (seconds === null ? '' : _('%(count)s s', { count: seconds.toLocaleString(locale, DIGIT) }));
const age = seconds => (seconds === null ? '' : inWords(seconds));

/** Ask, and tell a person where it did not work. */
async function asked(method, path) {
  const answer = await ask(method, `/api/v1/jobs${path}`);
  byId('message').textContent = answer.ok ? '' : answer.status === 403 ? _('Your role does not manage jobs.') : answer.body.detail;
  return answer;
}

function row(id, texts, warning = -1) {
  const made = add(byId(id), texts);
  if (warning >= 0) made.cells[warning].className = 'warns';
  return made;
}

function table(id, rows, none) {
  byId(id).replaceChildren();
  rows.forEach(([texts, warning]) => row(id, texts, warning));
  if (!rows.length) fill(byId(id), [], none);
}

function serviceState(service) {
  const { failures } = service;
  if (service.breaker === 'open') {
    return _('The inference service does not answer (%(failures)s times); next try %(at)s.', { failures, at: time(service.until) });
  }
  if (service.breaker === 'half_open') return _('The inference service is tried again.');
  if (failures) return _('The inference service did not answer %(failures)s times.', { failures });
  if (service.seen_at === null) return _('The inference service was not heard of yet.');
  return _('The inference service answers; heard of %(at)s.', { at: time(service.seen_at) });
}

async function overview() {
  const { ok, body } = await asked('GET', '/overview');
  if (!ok) return;
  const places = _('%(taken)s of %(places)s places are taken.', { taken: body.in_flight, places: body.most_in_flight });
  byId('service').textContent = `${serviceState(body.service)} ${places}`;
  byId('service').className = body.service.breaker === 'closed' ? 'quiet' : 'warns';
  const warns = (state, column) => (WARNS.includes(state) ? column : -1);
  table('states', body.states.map(one => [[STATES[one.state], number(one.count), age(one.oldest_seconds)], warns(one.state, 0)]), _('There are no jobs.'));
  table('models', body.models.map(one => [[one.model, one.version, one.count, took(one.median), took(one.p95), took(one.deadline)]]), _('No model is known yet.'));
  table('failures', body.failures.map(one => [[one.model, STATES[one.state], one.reason, one.count], warns(one.state, 1)]), _('There are none.'));
  if (known !== null && known !== body.changed) await changed();
  known = body.changed;
}

/** Show a list that changed: at once as long as it is at its beginning, else when the reader asks for it. */
async function changed() {
  if (pages > 1 || byId('jobs').contains(document.activeElement)) byId('newer').hidden = false;
  else await anew();
}

function show(job) {
  const why = [job.reason, job.detail].filter(Boolean).join(': ');
  const state = job.waits ? _('waits') : STATES[job.state];
  const texts = [time(job.created_at), job.rule, job.model, job.patient_id, nameOf(PRIORITIES, job.priority), state, why, took(job.seconds)];
  const acts = row('jobs', texts, WARNS.includes(job.state) ? 5 : -1).insertCell();
  const act = what => async () => {
    if ((await asked('POST', `/${job.id}/${what}`)).ok) await anew();
  };
  if (OPEN.includes(job.state)) acts.append(button(_('Cancel'), act('cancel')));
  if (RETRIED.includes(job.state)) acts.append(button(_('Retry'), act('retry')));
}

async function page(after) {
  const state = byId('state').value;
  const query = new URLSearchParams({ count: PAGE, ...(state && { state }), ...(after && { before: after }) });
  const { ok, body } = await asked('GET', `?${query}`);
  if (!ok) return;
  if (!after) {
    byId('jobs').replaceChildren();
    pages = 0;
    byId('newer').hidden = true;
  }
  body.jobs.forEach(show);
  pages += 1;
  before = body.jobs.at(-1)?.number ?? before;
  byId('more').hidden = !body.more;
  if (!byId('jobs').rows.length) fill(byId('jobs'), [], _('There are none.'));
}

const anew = () => page(null);

const me = await ask('GET', '/api/v1/auth/me');
if (me.status === 401) toLogin();
for (const [value, name] of Object.entries(STATES)) byId('state').append(new Option(name, value));
byId('state').addEventListener('change', anew);
byId('newer').addEventListener('click', anew);
byId('more').addEventListener('click', () => page(before));
await anew();
await overview();
setInterval(overview, EVERY);
