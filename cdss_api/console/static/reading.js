import { byId } from './building.js';
import { number } from './formatting.js';
import { PRIORITIES, nameOf } from './naming.js';
import { askStaying, toLogin } from './staying.js';
import { _ } from './translating.js';
import { EDITOR, VIEWER, channel, tell } from './windows.js';

const FILTERS = 'neuronova-reading-filters';
const EVERY = 20 * 1000; // the list asks again
const PAGE = 100;
const opened = { viewer: null, editor: null }; // the windows that this page has opened
let rows = [];
let total = 0;
let shown = PAGE;
let current = null; // the study that is chosen
let asked = 0;

function waits(came, now) {
  const minutes = Math.max(0, Math.floor((Date.parse(now) - Date.parse(came)) / 60e3));
  if (minutes < 60) return _('%(count)s min', { count: minutes });
  if (minutes < 48 * 60) return _('%(hours)s h %(minutes)s min', { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
  return _('%(count)s days', { count: Math.floor(minutes / 1440) });
}

function tag(cell, kind, text) {
  const span = document.createElement('span');
  span.className = `tag ${kind}`;
  span.textContent = text;
  cell.append(span);
}

function progressOf({ progress, report }) {
  if (progress === 'reported') return _('preliminary');
  return report === 'partial' ? _('draft') : _('not reported');
}

function draw(now) {
  const focused = document.activeElement?.closest?.('#rows tr')?.dataset.study;
  byId('rows').replaceChildren();
  for (const one of rows) {
    const row = byId('rows').insertRow();
    row.dataset.study = one.study;
    row.tabIndex = 0;
    row.setAttribute('aria-selected', String(one.study === current));
    tag(row.insertCell(), one.priority, nameOf(PRIORITIES, one.priority));
    const order = one.orders.map(each => each.accession_number || each.description).filter(Boolean).join(', ');
    const texts = [waits(one.came, now), one.modalities.join(', '), one.description, one.patient.name];
    for (const text of [...texts, one.patient.patient_id, one.patient.birth_date, order || _('no order')]) {
      row.insertCell().textContent = text;
    }
    for (const finding of one.ai_findings) tag(row.cells[3], 'ai', finding);
    tag(row.insertCell(), one.progress, progressOf(one));
    if (one.study === focused) row.focus({ preventScroll: true });
  }
  byId('list').hidden = !rows.length;
  byId('total').textContent = rows.length ? _('%(count)s waiting', { count: number(total) }) : '';
  byId('more').hidden = rows.length >= total;
}

function filters() {
  const { days, mine, ...rest } = Object.fromEntries(new FormData(byId('filters')));
  const wanted = Object.fromEntries(Object.entries(rest).filter(([, value]) => value.trim()));
  if (days) wanted.since = new Date(Date.now() - Number(days) * 86400e3).toISOString();
  if (mine) wanted.mine = 'true';
  return wanted;
}

async function load() {
  const turn = ++asked;
  const pages = [];
  let answer;
  for (let offset = 0; offset < shown; offset += PAGE) {
    const query = new URLSearchParams({ ...filters(), limit: String(PAGE), offset: String(offset) });
    answer = await askStaying('GET', `/api/v1/reading?${query}`);
    if (turn !== asked) return; // another filter was chosen meanwhile
    if (!answer.ok) break;
    pages.push(...answer.body.studies);
    if (pages.length >= answer.body.total) break;
  }
  if (answer.status === 401) return toLogin();
  if (!answer.ok) {
    byId('message').textContent = `${answer.body.detail ?? _('That did not work.')} ${_('What is shown may be old.')}`;
    return;
  }
  rows = pages;
  total = answer.body.total;
  byId('message').textContent = '';
  const filtered = Object.keys(filters()).length > 0;
  byId('empty').textContent = filtered ? _('Nothing waits that fits these filters.') : _('Nothing waits for a report.');
  byId('empty').hidden = rows.length > 0;
  draw(answer.body.now);
}

function remember() {
  const kept = Object.fromEntries(new FormData(byId('filters')));
  localStorage.setItem(FILTERS, JSON.stringify(kept));
  shown = PAGE;
  load();
}

function recall() {
  let kept;
  try { kept = JSON.parse(localStorage.getItem(FILTERS) ?? '{}'); } catch { return; }
  for (const [name, value] of Object.entries(kept)) {
    const field = byId('filters').elements[name];
    if (field?.type === 'checkbox') field.checked = true;
    else if (field) field.value = value;
  }
}

// A window that is open moves by itself: a browser lets a page open one new window a click.
function show(name, address, study) {
  if (opened[name] && !opened[name].closed) return true;
  opened[name] = window.open(address(study), `neuronova-${name}`);
  return Boolean(opened[name]);
}

function choose(study) {
  current = study;
  for (const row of byId('rows').rows) {
    const chosen = row.dataset.study === study;
    row.setAttribute('aria-selected', String(chosen));
    if (chosen) row.scrollIntoView({ block: 'nearest' });
  }
  tell('list', 'show', study);
  const both = [show('viewer', VIEWER, study), show('editor', EDITOR, study)];
  const blocked = _('The browser blocked a window: allow windows of this site, or choose the study once more.');
  byId('message').textContent = both.every(Boolean) ? '' : blocked;
}

function step(by, fits = () => true) {
  let at = rows.findIndex(one => one.study === current);
  if (at < 0 && by < 0) at = rows.length;
  for (at += by; at >= 0 && at < rows.length; at += by) {
    if (fits(rows[at])) return choose(rows[at].study);
  }
  byId('message').textContent = by > 0 ? _('That was the last one.') : _('That was the first one.');
}

const unread = one => one.progress === 'in-progress' && one.report === '';
const KEYS = { j: () => step(1), k: () => step(-1), n: () => step(1, unread) };

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return;
  const row = event.target.closest('#rows tr');
  if (event.key === 'Enter' && row) choose(row.dataset.study);
  else if (KEYS[event.key]) KEYS[event.key]();
  else return;
  event.preventDefault();
});
byId('rows').addEventListener('click', event => {
  const row = event.target.closest('tr');
  if (row) choose(row.dataset.study);
});
byId('more').addEventListener('click', () => { shown += PAGE; load(); });
byId('filters').addEventListener('input', remember);
byId('filters').addEventListener('submit', event => event.preventDefault());
channel.addEventListener('message', ({ data }) => {
  if (data.from === 'editor' && data.kind === 'next') step(1, unread);
  if (data.from === 'editor' && data.kind === 'saved') load();
  // The next study may have been chosen while that window was loading and heard nothing.
  if (data.from === 'editor' && data.kind === 'opened' && current && data.study !== current) tell('list', 'show', current);
});

recall();
await load();
setInterval(() => document.visibilityState === 'visible' && load(), EVERY);
