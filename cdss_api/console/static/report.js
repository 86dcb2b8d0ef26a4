import { byId } from './building.js';
import { showAbout, showPriors, showVersions } from './report-beside.js';
import { moment } from './formatting.js';
import { REPORT_STATES as LABELS, nameOf } from './naming.js';
import { forget, keep, kept } from './report-kept.js';
import { showResults } from './report-results.js';
import { askStaying, toLogin } from './staying.js';
import { _ } from './translating.js';
import { EDITOR, channel, tell } from './windows.js';

const AUTOSAVE = 5000; // after the last keystroke
const study = new URLSearchParams(location.search).get('study') ?? '';
const address = `/api/v1/reports/${encodeURIComponent(study)}`;
let report = null; // as it was last saved or read
let codes = [];
let keys = [];
let dirty = false;
let saving = null;
let timer = 0;
let mayWrite = false;

const isSigned = () => ['final', 'amended', 'corrected', 'appended'].includes(report?.status);
const content = () => ({ conclusion: byId('conclusion').value, codes, key_images: keys });

function say(text) {
  byId('message').textContent = text;
}

function chips(list, items, text, remove) {
  list.replaceChildren();
  items.forEach((item, at) => {
    const element = document.createElement('li');
    element.className = 'tag';
    element.textContent = text(item);
    if (mayWrite) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = '×';
      button.setAttribute('aria-label', _('Remove %(what)s', { what: text(item) }));
      button.addEventListener('click', () => { remove(at); changed(); draw(); });
      element.append(button);
    }
    list.append(element);
  });
}

function draw() {
  chips(byId('codes'), codes, one => one.display, at => codes.splice(at, 1));
  const named = one => one.comment || [`…${one.instance.slice(-12)}`, one.frame && _('frame %(frame)s', one)].filter(Boolean).join(' ');
  chips(byId('keys'), keys, named, at => keys.splice(at, 1));
  byId('key-count').textContent = keys.length ? `(${keys.length})` : '';
  const signed = isSigned();
  for (const id of ['draft', 'preliminary', 'sign']) byId(id).hidden = signed || !mayWrite;
  byId('amend').hidden = !signed || !mayWrite;
  byId('amend').disabled = !dirty;
  byId('conclusion').readOnly = !mayWrite;
  const status = nameOf(LABELS, report?.status ?? '');
  const when = report ? _('version %(version)s of %(at)s', { version: report.version, at: moment(report.changed) }) : '';
  const unsaved = signed ? _('changed: sign the amendment, or leave it') : _('not saved yet');
  const saved = [status, when].filter(Boolean).join(', ');
  byId('state').textContent = dirty ? `${saved} · ${unsaved}` : saved;
}

function changed() {
  dirty = true;
  keep(study, { ...content(), version: report?.version ?? 0 });
  clearTimeout(timer);
  if (!isSigned()) timer = setTimeout(() => save('draft', true), AUTOSAVE);
  draw();
}

// One at a time: each save is made from the version that the one before has made.
async function save(status, quietly = false) {
  clearTimeout(timer);
  while (saving) await saving;
  // A preliminary report stays one while it is written on.
  const as = quietly && report?.status === 'preliminary' ? 'preliminary' : status;
  saving = send(as).finally(() => { saving = null; });
  return saving;
}

async function send(status) {
  const sent = content();
  const headers = report ? { 'If-Match': `W/"${report.version}"` } : {};
  const { ok, status: code, body } = await askStaying('PUT', address, { status, ...sent }, headers);
  if (code === 401) {
    say(_('Your login has ended. Your text is kept in this browser: log in, and it is here again.'));
    setTimeout(toLogin, 1500);
    return false;
  }
  if (code === 412 || code === 428) {
    clearTimeout(timer);
    say(`${body.detail} `);
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'small second';
    button.textContent = _('Compare with the saved version');
    button.addEventListener('click', catchUp);
    byId('message').append(button);
    return false;
  }
  if (!ok) {
    say(`${body.detail ?? _('That did not work.')} ${_('Your text is kept in this browser.')}`);
    return false;
  }
  report = body;
  dirty = JSON.stringify(sent) !== JSON.stringify(content());
  if (dirty) keep(study, { ...content(), version: report.version });
  else forget(study);
  say('');
  tell('editor', 'saved', study);
  draw();
  await showVersions(address, report);
  return true;
}

// What somebody else saved is read; one's own text stays in the window, and is saved on top of it when one wants that.
async function catchUp() {
  const own = byId('conclusion').value;
  const { ok, body } = await askStaying('GET', address);
  if (!ok) return say(body.detail);
  report = body.report;
  await showVersions(address, report, own);
  say(_('The saved version is shown beside yours, under Versions. Saving now puts your text in its place; both are kept.'));
  draw();
}

function sure(text) {
  const dialog = byId('sure');
  byId('sure-text').textContent = text;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise(done => dialog.addEventListener('close', () => done(dialog.returnValue === 'yes'), { once: true }));
}

async function sign(status) {
  if (!byId('conclusion').value.trim()) return say(_('There is no text to sign.'));
  const of = byId('about').dataset.patient;
  if (!(await sure(_('Sign the report of %(patient)s? It goes to the archive, and can only be amended afterwards.', { patient: of })))) return;
  if (await save(status)) byId('next').focus(); // Enter or n leads on
}

function recover(opened) {
  const found = kept(study);
  const from = found ?? opened.report;
  byId('conclusion').value = from?.conclusion ?? '';
  codes = from?.codes ?? [];
  keys = from?.key_images ?? [];
  if (!found) return;
  dirty = true;
  const newer = (opened.report?.version ?? 0) !== found.version;
  say(newer ? _('Your unsaved text is back. Somebody has saved another version meanwhile: see Versions.') : _('Your unsaved text is back.'));
}

// At the cursor, on lines of its own.
function takeIn(text) {
  const field = byId('conclusion');
  const { selectionStart: from, selectionEnd: to, value } = field;
  const before = from && value[from - 1] !== '\n' ? '\n' : '';
  const after = value[to] === '\n' ? '' : '\n';
  field.setRangeText(`${before}${text}${after}`, from, to, 'end');
  field.focus();
  changed();
}

function options(select, list, text) {
  list.forEach((one, at) => select.add(new Option(text(one), String(at))));
}

async function open() {
  if (!study) return say(_('No study is named. Open one from the reading list.'));
  const { ok, status, body } = await askStaying('GET', address);
  if (status === 401) return toLogin();
  if (!ok) return say(body.detail ?? _('The report cannot be opened.'));
  report = body.report;
  mayWrite = body.may_write;
  recover(body);
  showAbout(body);
  showPriors(body.priors);
  showResults(study, body, takeIn);
  options(byId('template'), body.templates, one => `${one.title} (${one.language})`);
  options(byId('code'), body.codes, one => one.display);
  byId('template').addEventListener('change', ({ target }) => {
    if (!target.value) return;
    const field = byId('conclusion');
    field.setRangeText(body.templates[Number(target.value)].text, field.selectionStart, field.selectionEnd, 'end');
    target.value = '';
    field.focus();
    changed();
  });
  byId('code').addEventListener('change', ({ target }) => {
    const code = body.codes[Number(target.value)];
    if (target.value && !codes.some(one => one.code === code.code)) codes.push(code);
    target.value = '';
    changed();
  });
  byId('whole').hidden = false;
  draw();
  await showVersions(address, report);
}

function addKey() {
  const [series, instance, frame, comment] = ['series', 'instance', 'frame', 'comment'].map(id => byId(id).value.trim());
  if (!/^[0-9.]{1,64}$/.test(series) || !/^[0-9.]{1,64}$/.test(instance)) return say(_('A key image has the UIDs of a series and an instance.'));
  keys.push({ series, instance, frame: Number(frame) || null, comment });
  for (const id of ['series', 'instance', 'frame', 'comment']) byId(id).value = '';
  changed();
}

function addViewed(image) {
  if (!image) return say(_('The viewer shows no single image at the moment.'));
  const known = keys.some(one => one.instance === image.instance && one.frame === image.frame);
  if (known || !mayWrite) return;
  keys.push({ ...image, comment: byId('comment').value.trim() });
  byId('comment').value = '';
  changed();
}

async function leaveFor(next) {
  if (dirty && !isSigned() && mayWrite) await save('draft', true);
  location.assign(EDITOR(next)); // what could not be saved is kept in this browser
}

channel.addEventListener('message', ({ data }) => {
  if (data.from === 'list' && data.kind === 'show' && data.study !== study) leaveFor(data.study);
  if (data.from !== 'viewer') return;
  if (data.kind === 'image') return data.study === study && addViewed(data.image);
  const other = data.kind === 'at' && data.study && data.study !== study;
  byId('away').hidden = !other;
  byId('away').textContent = other ? _('The viewer shows another study (%(study)s) than this report is of.', data) : '';
});

byId('conclusion').addEventListener('input', changed);
byId('viewed').addEventListener('click', () => tell('editor', 'which', study));
byId('add-key').addEventListener('click', addKey);
byId('draft').addEventListener('click', () => save('draft'));
byId('preliminary').addEventListener('click', () => save('preliminary'));
byId('sign').addEventListener('click', () => sign('final'));
byId('amend').addEventListener('click', () => sign('amended'));
byId('next').addEventListener('click', () => tell('editor', 'next', study));
document.addEventListener('keydown', event => {
  if (event.key !== 'n' || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest('input, select, textarea, dialog')) return;
  event.preventDefault();
  tell('editor', 'next', study);
});
window.addEventListener('beforeunload', event => dirty && isSigned() && event.preventDefault());

await open();
tell('editor', 'who', study);
if (window.name === 'neuronova-editor') tell('editor', 'opened', study);
