// What stands beside the report: whose it is, prior reports, versions and how they differ.
import { byId } from './building.js';
import { moment } from './formatting.js';
import { REPORT_STATES as LABELS, SEXES, nameOf } from './naming.js';
import { askStaying } from './staying.js';
import { _ } from './translating.js';

const time = text => (text ? moment(text) : '');

function element(name, text, parent) {
  const made = document.createElement(name);
  made.textContent = text;
  parent?.append(made);
  return made;
}

/** Show patient, study and order. */
export function showAbout({ patient, description, modalities, started, orders }) {
  const about = {
    [_('Patient')]: patient.name, [_('Patient ID')]: patient.patient_id, [_('Born')]: patient.birth_date, [_('Sex')]: nameOf(SEXES, patient.sex),
    [_('Study')]: [modalities.join(', '), time(started)].filter(Boolean).join(', '),
    [_('Order')]: orders.map(one => [one.accession_number, one.description].filter(Boolean).join(' ')).join('; '),
    [_('Indication')]: orders.map(one => one.indication).filter(Boolean).join('; '),
  };
  byId('title').textContent = description || _('Report');
  document.title = `${patient.name} · ${_('Report')}`;
  byId('about').dataset.patient = [patient.name, patient.patient_id].filter(Boolean).join(', ');
  for (const [name, value] of Object.entries(about)) {
    if (!value) continue;
    const pair = element('div', '', byId('about'));
    element('dt', name, pair);
    element('dd', value, pair);
  }
}

/** Show the patient's other reports. */
export function showPriors(priors) {
  for (const one of priors) {
    const details = element('details', '', byId('priors'));
    const of = [one.effective.slice(0, 10), one.description, LABELS[one.status] ?? one.status].filter(Boolean);
    element('summary', of.join(' · '), details);
    element('pre', one.conclusion, details);
    element('p', one.readers.join(', '), details).className = 'quiet';
  }
  if (!priors.length) element('p', _('There are none.'), byId('priors')).className = 'quiet';
}

/** Show all versions; `own` is a text that was not saved, to compare with the newest by eye. */
export async function showVersions(address, report, own = null) {
  if (!report) return byId('versions').replaceChildren(element('p', _('There are none yet.')));
  const { ok, body } = await askStaying('GET', `${address}/versions`);
  const list = byId('versions');
  list.replaceChildren();
  if (!ok) return element('p', body.detail ?? _('They cannot be read now.'), list);
  body.versions.forEach((one, at) => {
    const details = element('details', '', list);
    details.open = own !== null && at === 0;
    element('summary', `${one.version} · ${LABELS[one.status] ?? one.status} · ${one.author} · ${time(one.changed)}`, details);
    const text = element('pre', one.conclusion, details);
    const before = body.versions[at + 1];
    if (!before) return;
    const button = element('button', _('Changes since %(version)s', before), details);
    button.type = 'button';
    button.className = 'small second';
    button.addEventListener('click', () => showDifference(address, before.version, one.version, text));
  });
}

async function showDifference(address, before, after, place) {
  const { ok, body } = await askStaying('GET', `${address}/difference?before=${before}&after=${after}`);
  if (!ok) return;
  place.replaceChildren();
  const names = { same: 'span', removed: 'del', added: 'ins' };
  for (const run of body.runs) element(names[run.kind], run.text, place);
}
