import { onSubmit } from './asking.js';
import { add, button, byId, fill } from './building.js';
import { bytes, number, time } from './formatting.js';
import { holdLink } from './holding.js';
import { askStaying as ask, toLogin } from './staying.js';
import { _, locale } from './translating.js';

const PAGE = 25;
const COUNTED = 1000; // of more the API says as many
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const BECAME = { encoded: _('encoded'), pending: _('pending'), skipped: _('skipped'), failed: _('failed') };
const DIGITS = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
let wanted = {};
let offset = 0;

function stateOf(htj2k) {
  if (!htj2k) return _('not told');
  const { encoded, skipped, failed, pending, reasons } = htj2k;
  const why = Object.entries(reasons).map(([reason, count]) => `${reason} ${number(count)}`).join(', ');
  const parts = Object.entries({ encoded, pending, skipped, failed }).filter(([, count]) => count);
  const told = parts.map(([name, count]) => `${number(count)} ${BECAME[name]}`).join(', ') || _('no images');
  return why ? `${told} (${why})` : told;
}

function show(one) {
  const { htj2k } = one;
  const patient = [one.patient_name.split('=')[0].replaceAll('^', ' ').trim(), [one.patient_id, one.issuer].filter(Boolean).join(' / ')];
  const study = [one.modalities.join(' '), one.description].filter(Boolean).join(' · ');
  const sizes = htj2k?.bytes_after ? `${bytes(htj2k.bytes_before)} → ${bytes(htj2k.bytes_after)}` : '';
  const ratio = htj2k?.bytes_after ? `${(htj2k.bytes_before / htj2k.bytes_after).toLocaleString(locale, DIGITS)}\u00a0:\u00a01` : '';
  const texts = [time(one.came), patient.filter(Boolean).join(' · '), study || one.study, one.accession_number];
  const row = add(byId('studies'), [...texts, number(one.instances), stateOf(htj2k), sizes, ratio]);
  if (htj2k?.failed) row.cells[5].className = 'warns';
  if (one.held) row.cells[2].textContent += ` · ${_('under legal hold')}`;
  const acts = row.insertCell();
  acts.append(holdLink(one));
  if (!htj2k || !(htj2k.pending || htj2k.failed)) return;
  acts.append(button(_('Encode now'), async () => {
    const { ok, body } = await ask('POST', `/api/v1/studies/${encodeURIComponent(one.id)}/encode`);
    byId('message').textContent = ok ? '' : body.detail;
    if (ok) await page(offset);
  }, { label: _('Encode the study of %(patient)s now', { patient: one.patient_id }) }));
}

async function page(from) {
  const query = new URLSearchParams({ ...wanted, limit: PAGE, offset: from });
  const { ok, status, body } = await ask('GET', `/api/v1/studies?${query}`);
  if (status === 401) return toLogin();
  if (!ok) return body.detail ?? _('That did not work; try again.');
  offset = from;
  byId('studies').replaceChildren();
  body.studies.forEach(show);
  const last = from + body.studies.length;
  const all = body.total < COUNTED;
  byId('total').textContent = body.total
    ? _('%(first)s to %(last)s of %(total)s', { first: number(from + 1), last: number(last), total: number(body.total) + (all ? '' : '+') })
    : '';
  byId('newer').hidden = !from;
  byId('older').hidden = all ? last >= body.total : body.studies.length < PAGE;
  if (!body.studies.length) fill(byId('studies'), [], _('There is no such study.'));
}

async function tell(done) {
  byId('message').textContent = (await done) ?? '';
}

onSubmit(byId('search'), ({ patient_id, accession, day }) => {
  wanted = Object.fromEntries(Object.entries({ patient_id: patient_id.trim(), accession: accession.trim() }).filter(([, text]) => text));
  if (DAY.test(day)) {
    const start = new Date(`${day}T00:00`); // of this clock
    const end = new Date(start);
    end.setDate(end.getDate() + 1);
    Object.assign(wanted, { since: start.toISOString(), until: end.toISOString() });
  }
  return page(0);
});
byId('newer').addEventListener('click', () => tell(page(Math.max(0, offset - PAGE))));
byId('older').addEventListener('click', () => tell(page(offset + PAGE)));
await tell(page(0));
