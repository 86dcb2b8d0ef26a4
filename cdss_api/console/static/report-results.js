// What models found on the study: to judge, to take into the report, and what is still to come.
import { byId } from './building.js';
import { time } from './formatting.js';
import { askStaying } from './staying.js';
import { _ } from './translating.js';
import { VIEWER } from './windows.js';

const EVERY = 4000; // milliseconds between two looks
const COMING = { queued: _('%(model)s waits for its turn: a result may come.'),
  running: _('%(model)s runs: a result may come.'),
  failed_transient: _('%(model)s is tried again soon: a result may come.'),
 };
let known = ''; // what is shown
let of = null; // {study, patient, mayWrite, takeIn}

function element(name, text, parent, kind = '') {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  parent?.append(made);
  return made;
}

function button(text, parent, label, act, kind = 'small second') {
  const made = element('button', text, parent, kind);
  made.type = 'button';
  made.setAttribute('aria-label', label);
  made.addEventListener('click', act);
  return made;
}

function list(lines, parent, kind = '') {
  const made = element('ul', '', parent, kind);
  for (const line of lines) element('li', line, made);
}

const name = one => `${one.model} ${one.model_version}`;
const isOfAnother = one => one.patient_id !== of.patient.patient_id || one.issuer !== of.patient.issuer;

function standing(one) {
  if (one.standing === 'open') return _('Nobody has judged it.');
  if (one.standing === 'withdrawn') return _('Withdrawn: the series has changed since.');
  const reason = one.reason ? `: ${one.reason}` : '';
  const by = { judge: one.judge, at: time(one.judged_at) };
  const judged = one.standing === 'accepted' ? _('Accepted by %(judge)s, %(at)s', by) : _('Rejected by %(judge)s, %(at)s', by);
  return `${judged}${reason}`;
}

/** The text that goes into a report: what is said, and which model says it. */
function textOf(one) {
  return `AI (${name(one)}), accepted by ${one.judge}:\n${one.lines.map(line => `- ${line}`).join('\n')}`;
}

async function judge(one, verdict, reason = '') {
  const { ok, body } = await askStaying('POST', `/api/v1/results/${one.job}/verdict`, { verdict, reason });
  byId('ai-message').textContent = ok ? '' : body.detail ?? _('That did not work.');
  if (!ok) return;
  await look(true);
  byId('ai-news').textContent = verdict === 'accepted' ? _('%(model)s: accepted.', { model: name(one) }) : _('%(model)s: rejected.', { model: name(one) });
  document.getElementById(`result-${one.job}`)?.focus();
}

function askWhy(one, place) {
  if (place.querySelector('form')) return;
  const form = element('form', '', place);
  form.noValidate = true;
  const label = element('label', _('Why is it rejected?'), form);
  const field = element('textarea', '', form);
  field.id = label.htmlFor = `why-${one.job}`;
  field.maxLength = 2000;
  const buttons = element('div', '', form, 'buttons');
  const send = element('button', _('Reject'), buttons, 'small');
  send.type = 'submit';
  button(_('Do not reject'), buttons, _('Do not reject'), () => { form.remove(); place.querySelector('.reject')?.focus(); });
  form.addEventListener('submit', event => {
    event.preventDefault();
    if (field.value.trim()) return judge(one, 'rejected', field.value);
    byId('ai-message').textContent = _('Say why the result is rejected.');
    field.focus();
  });
  field.focus();
}

function actions(one, place) {
  const row = element('div', '', place, 'buttons');
  const link = element('a', _('Show in the viewer'), row);
  link.href = VIEWER(of.study);
  link.target = 'neuronova-viewer';
  if (!of.mayWrite || one.standing === 'withdrawn') return;
  if (one.standing !== 'accepted') button(_('Accept'), row, _('Accept %(model)s', { model: name(one) }), () => judge(one, 'accepted'));
  if (one.standing !== 'rejected') button(_('Reject'), row, _('Reject %(model)s', { model: name(one) }), () => askWhy(one, place), 'small second reject');
  if (one.standing !== 'accepted' || isOfAnother(one)) return;
  button(_('Take into report'), row, _('Take %(model)s into the report', { model: name(one) }), () => of.takeIn(textOf(one)));
}

function draw(results, coming) {
  byId('results').replaceChildren();
  for (const one of results) {
    const card = element('article', '', byId('results'), `result ${one.standing}${one.critical ? ' critical' : ''}`);
    card.id = `result-${one.job}`;
    card.tabIndex = -1;
    element('h3', name(one), card);
    element('p', _(one.warning), card, 'mark');
    if (isOfAnother(one)) element('p', _('Of another patient with this study: %(patient)s', { patient: one.patient_id }), card, 'mark');
    list(one.lines.length ? one.lines : [_('It names nothing.')], card, 'said');
    const more = element('details', '', card);
    element('summary', _('Limits and origin'), more);
    list(one.limits, more);
    const origin = { model: name(one), digest: one.digest.slice(0, 12), rule: one.rule, at: time(one.made_at) };
    element('p', _('Model %(model)s, digest %(digest)s, rule %(rule)s, %(at)s', origin), more, 'quiet');
    element('p', standing(one), card, 'quiet state');
    actions(one, card);
  }
  for (const one of coming) element('p', _(COMING[one.state], one), byId('results'), 'quiet coming');
  if (!results.length && !coming.length) element('p', _('There are none.'), byId('results'), 'quiet');
}

async function look(anew = false) {
  const query = `study=${encodeURIComponent(of.study)}&count=50`;
  const [results, jobs] = await Promise.all([
    askStaying('GET', `/api/v1/results?${query}`), askStaying('GET', `/api/v1/jobs?${query}`),
  ]);
  if (results.status === 403) return false;
  byId('ai').hidden = false;
  if (!results.ok || !jobs.ok) {
    byId('ai-message').textContent = _('The results cannot be read now. What is shown may be old.');
    known = '';
    return true;
  }
  const coming = jobs.body.jobs.filter(one => COMING[one.state]).map(({ model, state }) => ({ model, state }));
  const now = JSON.stringify([results.body.results, coming]);
  // Nothing moves under the fingers of who gives a reason or is at a button.
  const isUsed = byId('results').querySelector('form') || byId('results').querySelector('button:focus, a:focus');
  if (!anew && (now === known || isUsed)) return true;
  byId('ai-message').textContent = '';
  const open = new Set([...byId('results').querySelectorAll('details[open]')].map(one => one.closest('article').id));
  draw(results.body.results, coming);
  for (const id of open) document.getElementById(id)?.querySelector('details')?.setAttribute('open', '');
  known = now;
  return true;
}

/** Show a study's results, and go on looking while the page is open; `takeIn(text)` writes into the report. */
export async function showResults(study, opened, takeIn) {
  of = { study, patient: opened.patient, mayWrite: opened.may_write, takeIn };
  if (!(await look())) return; // a role that sees no results
  setInterval(() => document.visibilityState === 'visible' && look(), EVERY);
}
