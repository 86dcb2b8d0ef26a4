import { onSubmit } from './asking.js';
import { byId, fill } from './building.js';
import { bytes, number, time } from './formatting.js';
import { holdLink } from './holding.js';
import { askStaying as ask, toLogin } from './staying.js';
import { _ } from './translating.js';

const patientOf = one => [one.patient_id, one.issuer].filter(Boolean).join(' / ');

/** Ask, and tell a person where it did not work. */
async function asked(path) {
  const answer = await ask('GET', `/api/v1/${path}`);
  if (answer.status === 401) toLogin();
  else if (!answer.ok) byId('message').textContent = answer.body.detail;
  return answer;
}

function lifting(one) {
  const form = document.createElement('form');
  const label = document.createElement('label');
  const reason = document.createElement('input');
  const button = document.createElement('button');
  const problem = document.createElement('p');
  form.className = 'row';
  form.noValidate = true;
  label.className = 'unseen';
  label.htmlFor = reason.id = `lift-${one.number}`;
  label.textContent = _('Why the hold of %(at)s is lifted', { at: time(one.placed_at) });
  Object.assign(reason, { name: 'reason', maxLength: 500, autocomplete: 'off', placeholder: _('Reason') });
  button.className = 'small';
  button.textContent = _('Lift');
  problem.setAttribute('role', 'alert');
  form.append(label, reason, button, problem);
  onSubmit(form, async values => {
    const { ok, body } = await ask('POST', `/api/v1/holds/${one.number}/lift`, values);
    if (!ok) return told(body);
    await all();
  });
  return form;
}

const told = body => (body.errors?.length ? _('Give a reason of at least ten characters.') : body.detail);

async function holds() {
  const { ok, body } = await asked('holds?limit=500');
  if (!ok) return;
  byId('held').textContent = body.more ? _('%(count)s or more', { count: number(body.holds.length) }) : number(body.holds.length);
  const cells = one =>
    [time(one.placed_at), one.study ?? _('all studies'), patientOf(one), `${one.reason} · ${one.placed_by}`, lifting(one)];
  fill(byId('holds'), body.holds.map(cells), _('Nothing is held.'));
}

async function due() {
  const { ok, body } = await asked('retention/due?limit=500');
  if (!ok) return;
  byId('leaving').textContent = body.leaving ? _('%(count)s with %(size)s', { count: number(body.leaving), size: bytes(body.leaving_bytes) }) : '';
  const cells = one => {
    const when = one.leaves_at === null ? _('stays: %(why)s', { why: one.kept }) : time(one.leaves_at);
    return [when, patientOf(one), one.study, one.rule, number(one.images), bytes(one.bytes), holdLink(one)];
  };
  fill(byId('due'), body.studies.map(cells), _('No study.'));
}

async function departures() {
  const { ok, body } = await asked('retention/departures?limit=100');
  if (!ok) return;
  byId('left').textContent = body.total ? number(body.total) : '';
  const cells = one => {
    const when = one.state === 'left' ? time(one.ended_at) : one.state;
    const size = one.bytes ? bytes(one.bytes) : '';
    return [when, patientOf(one), one.study, one.rule, one.why, number(one.images), size];
  };
  fill(byId('departures'), body.departures.map(cells), _('No study has left.'));
}

const all = () => Promise.all([holds(), due(), departures()]);

onSubmit(byId('hold'), async values => {
  const wanted = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, text.trim()]).filter(([, text]) => text));
  const { ok, body } = await ask('POST', '/api/v1/holds', wanted);
  if (!ok) return body.errors?.length ? _('Name a study or a patient, and a reason of 10 characters or more.') : body.detail;
  byId('hold').reset();
  await all();
});
byId('study').value = new URLSearchParams(location.search).get('study') ?? '';
await all();
