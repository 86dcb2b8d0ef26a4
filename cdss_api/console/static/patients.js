import { onSubmit } from './asking.js';
import { byId } from './building.js';
import { addProgress } from './correcting.js';
import { moment, number } from './formatting.js';
import { SEXES } from './naming.js';
import { askStaying as ask, toLogin } from './staying.js';
import { _, said } from './translating.js';

const MOST = 20;
const AGAIN = 1000; // milliseconds
const STATES = {
  merging: _('the images are on their way'), merged: _('waits to be confirmed or undone'),
  failed: _('the images could not be changed: undo it'), undoing: _('is being undone'),
};
const DECISIONS = {
  merged: [
    ['confirm', _('Confirm'), _('It stays. The original images are deleted; it cannot be undone any more.'), 'danger'],
    ['undo', _('Undo'), _('Record and images become as they were.'), ''],
  ],
  failed: [['undo', _('Undo'), _('The record becomes as it was; no image was changed.'), 'danger']],
};
const chosen = { source: null, target: null };
const names = new Map();

function add(parent, tag, text = '', name = '') {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  parent.append(made);
  return made;
}

const nameOf = patient => (patient.name ?? [])
  .map(one => one.text ?? [one.family, ...(one.given ?? [])].filter(Boolean).join(' ')).join(' / ') || _('(no name)');
const identifiersOf = patient => (patient.identifier ?? [])
  .map(one => `${one.value}${one.system ? ` (${one.system})` : ''}${one.use === 'old' ? _(', old') : ''}`).join('\n');

/** Ask FHIR; an OperationOutcome becomes a sentence. */
async function fhir(method, path, body) {
  const answer = await ask(method, `/api/v1/fhir/${path}`, body);
  const told = answer.body?.issue?.map(one => one.diagnostics).join(' ');
  return { ...answer, told: answer.ok ? '' : (told ? said(told) : answer.body.detail) ?? _('That did not work; try again.') };
}

async function search(side, text) {
  const list = document.querySelector(`#${side} .found`);
  list.replaceChildren();
  if (!text.trim()) return _('Write a name or a patient ID.');
  const query = new URLSearchParams({ _count: MOST });
  const answers = await Promise.all(['name', 'identifier'].map(code => {
    query.delete('name');
    query.delete('identifier');
    query.set(code, text.trim());
    return fhir('GET', `Patient?${query}`);
  }));
  const failed = answers.find(one => !one.ok);
  if (failed?.status === 401) toLogin();
  if (failed) return failed.told;
  const found = new Map(answers.flatMap(one => one.body.entry ?? [])
    .filter(one => one.search?.mode === 'match').map(one => [one.resource.id, one.resource]));
  for (const patient of found.values()) {
    const choice = add(add(list, 'li'), 'button', `${nameOf(patient)} · ${patient.birthDate ?? _('born ?')} · ${identifiersOf(patient)}`);
    choice.type = 'button';
    choice.setAttribute('aria-pressed', 'false');
    choice.addEventListener('click', () => {
      for (const other of list.querySelectorAll('button')) other.setAttribute('aria-pressed', String(other === choice));
      chosen[side] = patient;
      compare();
    });
  }
  return found.size ? '' : _('Nobody is found.');
}

async function studiesOf(patient) {
  const query = new URLSearchParams({ patient: patient.id, _count: 100, _sort: '-started' });
  const { body, told } = await fhir('GET', `ImagingStudy?${query}`);
  if (told) return told;
  const shown = (body.entry ?? []).filter(one => one.search?.mode === 'match').map(({ resource }) =>
    [(resource.started ?? '').slice(0, 10), (resource.modality ?? []).map(one => one.code).join('/'), resource.description,
      _('(%(count)s objects)', { count: number(resource.numberOfInstances ?? 0) })].filter(Boolean).join(' '));
  return shown.join('\n') || _('none');
}

/** Show both in one table; what differs is marked by a word as well as by its colour. */
async function compare() {
  const { source, target } = chosen;
  byId('both').hidden = !(source && target);
  byId('told').replaceChildren();
  byId('merge').disabled = true;
  if (!source || !target) return;
  const studies = await Promise.all([source, target].map(studiesOf));
  if (source !== chosen.source || target !== chosen.target) return; // others were chosen meanwhile
  byId('compared').replaceChildren();
  const table = add(byId('compared'), 'table');
  const head = add(add(table, 'thead'), 'tr');
  for (const title of ['', _('Merged away'), _('Kept'), '']) add(head, 'th', title);
  const body = add(table, 'tbody');
  const rows = [
    [_('Name'), nameOf(source), nameOf(target)], [_('Born'), source.birthDate, target.birthDate],
    [_('Sex'), SEXES[source.gender], SEXES[target.gender]], [_('Identifiers'), identifiersOf(source), identifiersOf(target)],
  ];
  for (const [title, left, right] of rows) {
    const row = add(body, 'tr', '', left === right ? '' : 'differs');
    add(row, 'th', title).scope = 'row';
    add(row, 'td', left || '–');
    add(row, 'td', right || '–');
    add(row, 'td', left === right ? '' : _('differs'));
  }
  const row = add(body, 'tr');
  add(row, 'th', _('Studies')).scope = 'row';
  for (const one of studies) add(row, 'td', one);
  add(row, 'td');
}

async function carryOut(preview) {
  const side = name => ({ name: `${name}-patient`, valueReference: { reference: `Patient/${chosen[name].id}` } });
  const parameter = [side('source'), side('target'), ...(preview ? [{ name: 'preview', valueBoolean: true }] : [])];
  const buttons = byId('both').querySelectorAll('button');
  for (const one of buttons) one.disabled = true;
  const { ok, told, body } = await fhir('POST', 'Patient/$merge', { resourceType: 'Parameters', parameter });
  for (const one of buttons) one.disabled = false;
  byId('message').textContent = told;
  byId('merge').disabled = !(ok && preview);
  byId('told').replaceChildren();
  if (!ok) return;
  const outcome = body.parameter.find(one => one.name === 'outcome').resource;
  for (const issue of outcome.issue) add(byId('told'), 'li', issue.diagnostics);
  if (preview) return;
  chosen.source = chosen.target = null;
  byId('both').hidden = true;
  for (const found of document.querySelectorAll('.found')) found.replaceChildren();
  for (const form of document.querySelectorAll('.sides form')) form.reset();
  await list();
}

async function named(id) {
  if (!names.has(id)) {
    const { ok, body } = await fhir('GET', `Patient/${id}`);
    names.set(id, ok ? `${nameOf(body)}, ${(body.identifier ?? []).find(one => one.use !== 'old')?.value ?? id}` : id);
  }
  return names.get(id);
}

async function show(merge) {
  const card = document.createElement('section');
  card.className = 'merge';
  card.dataset.id = merge.id;
  add(card, 'h3', `${await named(merge.source)} → ${await named(merge.target)}`);
  const counts = _('%(resources)s resources, %(studies)s studies', {
    resources: number(merge.resources), studies: number(merge.studies.length),
  });
  add(card, 'p', `${STATES[merge.state] ?? merge.state} · ${counts} · ${moment(merge.made)}`, 'quiet');
  addProgress(card, merge.correction);
  const row = add(card, 'div', '', 'decisions');
  const message = add(card, 'p');
  message.setAttribute('role', 'alert');
  for (const [decision, label, hint, look] of DECISIONS[merge.state] ?? []) {
    const choice = add(row, 'div');
    const button = add(choice, 'button', label, look);
    button.type = 'button';
    button.addEventListener('click', async () => {
      for (const one of card.querySelectorAll('button')) one.disabled = true;
      const { ok, body } = await ask('POST', `/api/v1/imaging/merges/${merge.id}`, { decision });
      if (ok) return list();
      message.textContent = body.detail ?? _('That did not work; try again.');
      for (const one of card.querySelectorAll('button')) one.disabled = false;
    });
    add(choice, 'p', hint, 'quiet');
  }
  return card;
}

let waiting = 0;

async function list() {
  clearTimeout(waiting);
  const { ok, status, body } = await ask('GET', '/api/v1/imaging/merges');
  if (status === 401) toLogin();
  if (!ok) {
    byId('message').textContent = status === 403 ? _('Your role does not merge patients.') : body.detail;
    return;
  }
  const cards = await Promise.all(body.merges.map(show));
  byId('merges').replaceChildren(...cards);
  if (!cards.length) add(byId('merges'), 'p', _('None is open.'), 'quiet');
  if (body.merges.some(one => ['merging', 'undoing'].includes(one.state))) waiting = setTimeout(list, AGAIN);
}

for (const side of ['source', 'target']) {
  onSubmit(document.querySelector(`#${side} form`), ({ text }) => search(side, text));
}
byId('preview').addEventListener('click', () => carryOut(true));
byId('merge').addEventListener('click', () => carryOut(false));
byId('swap').addEventListener('click', () => {
  [chosen.source, chosen.target] = [chosen.target, chosen.source];
  compare();
});
list();
