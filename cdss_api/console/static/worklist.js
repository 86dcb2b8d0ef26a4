import { byId, fill } from './building.js';
import { clock, number } from './formatting.js';
import { PRIORITIES, nameOf } from './naming.js';
import { askStaying, toLogin } from './staying.js';
import { _ } from './translating.js';

const EVERY = 15 * 1000; // the list asks again
const STATION = 'neuronova-worklist-station';
const NAMES = {
  scheduled: _('scheduled'), arrived: _('arrived'), 'in-progress': _('in progress'), reported: _('reported'), signed: _('signed'),
  cancelled: _('cancelled'),
};
const STEPS = { 'IN PROGRESS': _('in progress'), COMPLETED: _('completed'), DISCONTINUED: _('discontinued') };
let orders = [];
let unscheduled = [];
let asked = 0;

// The hospital's day is that of this browser's clock.
function today() {
  const now = new Date();
  return new Date(now.getTime() - now.getTimezoneOffset() * 60e3).toISOString().slice(0, 10);
}

function tag(cell, kind, text) {
  const span = document.createElement('span');
  span.className = `tag ${kind}`;
  span.textContent = text;
  cell.append(span);
}

function button(cell, text, order, performed, second) {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = second ? 'small second' : 'small';
  made.textContent = text;
  made.addEventListener('click', () => say(order, performed, made));
  cell.append(made);
}

const state = step => (step.reason ? `${STEPS[step.status]}: ${step.reason}` : STEPS[step.status]);

// What its modality says of it (MPPS).
function told(step) {
  const ended = step.ended ? clock(step.ended) : '';
  return `${step.station} ${clock(step.began)}\u2013${ended} ${state(step)}`;
}

function drawUnscheduled() {
  const chosen = byId('station').value;
  const steps = unscheduled.filter(one => !chosen || one.station === chosen);
  fill(byId('unscheduled-rows'), steps.map(one => [
    clock(one.began), one.ended ? clock(one.ended) : '', one.station, one.modality, one.patient_name.split('=')[0].replaceAll('^', ' ').trim(),
    one.patient_id, one.accession_numbers.join(', '), state(one),
  ]), '');
  byId('unscheduled').hidden = !steps.length;
}

function stations() {
  const chosen = byId('station').value || localStorage.getItem(STATION) || '';
  const names = [...new Set([...orders.flatMap(one => one.stations), ...unscheduled.map(one => one.station), ...(chosen ? [chosen] : [])])].sort();
  byId('station').replaceChildren(new Option(_('all'), ''), ...names.map(one => new Option(one, one)));
  byId('station').value = chosen;
  return chosen;
}

function draw() {
  const chosen = stations();
  const rows = orders.filter(one => !chosen || one.stations.includes(chosen));
  byId('rows').replaceChildren();
  for (const one of rows) {
    const row = byId('rows').insertRow();
    row.dataset.order = one.order;
    const { patient } = one;
    const texts = [one.time, one.stations.join(', '), one.modality, one.description, patient.name];
    for (const text of [...texts, patient.patient_id, patient.birth_date]) row.insertCell().textContent = text;
    if (one.priority !== 'routine') {
      row.cells[0].append(' ');
      tag(row.cells[0], one.priority, nameOf(PRIORITIES, one.priority));
    }
    const progress = row.insertCell();
    tag(progress, one.progress, NAMES[one.progress] ?? one.progress);
    for (const step of one.steps) {
      const line = document.createElement('div');
      line.className = 'quiet step';
      line.textContent = told(step);
      progress.append(line);
    }
    if (one.not_done_reason && one.steps.every(step => step.reason !== one.not_done_reason)) progress.append(' ', _('not done: %(why)s', { why: one.not_done_reason }));
    const actions = row.insertCell();
    actions.className = 'actions';
    if (['reported', 'signed', 'cancelled'].includes(one.progress)) continue;
    const here = ['arrived', 'started'].includes(one.performed);
    const stored = one.studies.length > 0; // there is no need to say that they have come
    if (one.performed === 'done' || (!here && !stored)) button(actions, one.performed === 'done' ? _('Not yet done') : _('Arrived'), one, 'arrived', one.performed === 'done');
    if (one.performed !== 'done') button(actions, _('Done'), one, 'done', !here && !stored);
    if (!one.performed || here) button(actions, _('Not done'), one, 'not-done', true);
  }
  drawUnscheduled();
  byId('list').hidden = !rows.length;
  byId('empty').hidden = rows.length > 0;
  byId('total').textContent = rows.length ? _('%(count)s orders', { count: number(rows.length) }) : '';
}

async function load() {
  const turn = ++asked;
  const day = byId('day').value;
  if (!day) return;
  const { ok, status, body } = await askStaying('GET', `/api/v1/worklist/day?day=${day}`);
  if (turn !== asked) return;
  if (status === 401) return toLogin();
  byId('message').textContent = ok ? '' : `${body.detail ?? _('That did not work.')} ${_('What is shown may be old.')}`;
  if (!ok) return;
  ({ orders, unscheduled } = body);
  draw();
}

function why(order) {
  const dialog = byId('why');
  byId('why-title').textContent = `${order.patient.name}, ${order.description}`;
  byId('reason').value = '';
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise(done => {
    dialog.addEventListener('close', () => done(dialog.returnValue === 'yes' ? byId('reason').value.trim() : null), { once: true });
  });
}

async function say(order, performed, pressed) {
  const body = { performed };
  if (performed === 'not-done') {
    const reason = await why(order);
    if (reason === null) return;
    if (!reason) {
      byId('message').textContent = _('Nothing was written: say why it was not done.');
      return;
    }
    body.reason = reason;
  }
  pressed.disabled = true;
  const answer = await askStaying('PUT', `/api/v1/worklist/orders/${order.order}`, body);
  await load();
  if (answer.status === 401) toLogin();
  else if (!answer.ok) byId('message').textContent = answer.body.detail ?? _('That did not work; try again.');
}

byId('filters').addEventListener('submit', event => event.preventDefault());
byId('day').addEventListener('change', load);
byId('station').addEventListener('change', () => { localStorage.setItem(STATION, byId('station').value); draw(); });
byId('today').addEventListener('click', () => { byId('day').value = today(); load(); });

byId('day').value = today();
await load();
setInterval(() => document.visibilityState === 'visible' && !byId('why').open && load(), EVERY);
