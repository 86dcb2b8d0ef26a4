import { onSubmit } from './asking.js';
import { byId } from './building.js';
import { addProgress } from './correcting.js';
import { moment } from './formatting.js';
import { askStaying as ask, toLogin } from './staying.js';
import { _ } from './translating.js';

const NAMES = {
  PatientID: _('Patient ID'), IssuerOfPatientID: _('Issuer'), PatientName: _('Name'), PatientBirthDate: _('Born'),
  PatientSex: _('Sex'), AccessionNumber: _('Accession number'), StudyInstanceUID: _('Study UID'), StudyDescription: _('Description'),
};
const REASONS = {
  'accession-of-another-patient': _('The accession number is of an order for another patient.'),
  'study-of-another-patient': _('The study UID was given to an order for another patient.'),
  'study-of-another-accession': _('The study UID was given to an order with another accession number.'),
};
const DECISIONS = {
  held: [
    ['correct', _("The order's patient is right"), _('Rewrites the images: they get the values of the order.')],
    ['keep', _('As sent is right'), _('The study stays as it was sent, without an order.')],
  ],
  corrected: [['undo', _('Undo the correction'), _('The images get back what they were sent with.')]],
};
const STATES = {
  corrected: _('corrected'), kept: _('kept as sent'), undone: _('undone'), ended: _('ended by themselves'),
  correcting: _('is being corrected'), undoing: _('is being undone'),
};
const UNDER_WAY = ['correcting', 'undoing'];
const AGAIN = 1000; // milliseconds
let shown = {};
let waiting = 0;

function add(parent, tag, text = '', name = '') {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  parent.append(made);
  return made;
}

/** Show both sides in one table; what differs is marked by a word as well as by its colour. */
function compared(parent, mismatch) {
  const table = add(parent, 'table');
  const head = add(add(table, 'thead'), 'tr');
  for (const title of ['', _('As ordered'), _('As sent'), '']) add(head, 'th', title);
  const body = add(table, 'tbody');
  const differing = new Set(mismatch.differences.map(one => one.field));
  for (const [field, name] of Object.entries(NAMES)) {
    const differs = differing.has(field);
    const row = add(body, 'tr', '', differs ? 'differs' : '');
    add(row, 'th', name).scope = 'row';
    add(row, 'td', mismatch.ordered[field] || '–');
    add(row, 'td', mismatch.sent[field] || '–');
    add(row, 'td', differs ? _('differs') : '');
  }
}

function show(mismatch) {
  const card = add(byId('mismatches'), 'section', '', 'mismatch');
  card.dataset.id = mismatch.id;
  add(card, 'h2', `${mismatch.sent.PatientName || _('(no name)')} · ${mismatch.sent.AccessionNumber || _('(no accession number)')}`);
  add(card, 'p', REASONS[mismatch.reason] ?? mismatch.reason);
  const times = [_('Found %(at)s', { at: moment(mismatch.found) })];
  if (mismatch.decided) times.push(`${STATES[mismatch.state] ?? mismatch.state} ${moment(mismatch.decided)}`);
  add(card, 'p', times.join(', '), 'quiet');
  compared(card, mismatch);
  addProgress(card, mismatch.correction);
  const row = add(card, 'div', '', 'decisions');
  const message = add(card, 'p');
  message.setAttribute('role', 'alert');
  for (const [decision, label, hint] of DECISIONS[mismatch.state] ?? []) {
    const choice = add(row, 'div');
    const button = add(choice, 'button', label);
    button.type = 'button';
    button.addEventListener('click', () => decide(mismatch.id, decision, card));
    add(choice, 'p', hint, 'quiet');
  }
}

async function decide(id, decision, card) {
  const buttons = card.querySelectorAll('button');
  const message = card.querySelector('[role="alert"]');
  for (const one of buttons) one.disabled = true;
  message.textContent = '';
  const { ok, body } = await ask('POST', `/api/v1/imaging/mismatches/${id}`, { decision });
  if (ok) {
    byId('message').textContent = await list(shown);
    return;
  }
  message.textContent = body.detail ?? _('That did not work; try again.');
  for (const one of buttons) one.disabled = false;
}

async function list(asked) {
  shown = asked;
  clearTimeout(waiting);
  const query = new URLSearchParams(asked.state ? { state: asked.state } : {});
  const { ok, status, body } = await ask('GET', `/api/v1/imaging/mismatches?${query}`);
  if (status === 401) toLogin();
  if (!ok) return status === 403 ? _('Your role does not decide of studies.') : body.detail ?? _('That did not work; try again.');
  byId('mismatches').replaceChildren();
  body.mismatches.forEach(show);
  if (body.mismatches.some(one => UNDER_WAY.includes(one.state))) {
    waiting = setTimeout(async () => { byId('message').textContent = await list(shown); }, AGAIN);
  }
  if (body.more) add(byId('mismatches'), 'p', _('There are more: decide these first.'), 'quiet');
  if (!body.mismatches.length) add(byId('mismatches'), 'p', _('There is none.'), 'quiet');
  return '';
}

onSubmit(byId('choice'), list);
byId('choice').requestSubmit();
