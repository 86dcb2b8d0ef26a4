// The page of notifications: all of them, and how one is told.
import { onArrival, tellAll } from './arriving.js';
import { NAMES, item } from './bell.js';
import { byId, element } from './building.js';
import { askStaying as ask, toLogin } from './staying.js';
import { _ } from './translating.js';

const ROOT = '/api/v1/notifications';
const PAGE = 30;
const CHANNELS = { 'in-app': _('In these pages'), email: _('E-mail'), webhook: _('Webhook') };
let newest = 0;
let pages = 1;

async function page(before) {
  const { ok, status, body } = await ask('GET', `${ROOT}?limit=${PAGE}${before ? `&before=${before}` : ''}`);
  if (status === 401) toLogin();
  byId('message').textContent = ok ? '' : body.detail;
  return ok ? body : null;
}

let last = 0; // of several looks at once the last one is shown

async function show() {
  last += 1;
  const mine = last;
  const found = [];
  let following = null;
  for (let shown = 0; shown === 0 || (shown < pages && following); shown += 1) {
    const body = await page(following);
    if (!body || mine !== last) return;
    if (!following) byId('read').disabled = !body.unread;
    found.push(...body.notifications);
    following = body.next;
  }
  newest = found[0]?.number ?? 0;
  byId('more').hidden = following === null;
  byId('notifications').replaceChildren(...found.map(item));
  if (!found.length) byId('notifications').append(element('li', _('There are none.'), 'quiet'));
}

function box(kind, channel, { available }) {
  const made = document.createElement('input');
  made.type = 'checkbox';
  made.name = `${kind.kind}/${channel}`;
  made.checked = kind.channels.includes(channel);
  made.disabled = !available.includes(channel);
  made.setAttribute('aria-label', `${NAMES[kind.kind] ?? kind.kind}: ${CHANNELS[channel]}`);
  return made;
}

function showChoices(chosen) {
  byId('kinds').replaceChildren();
  for (const kind of chosen.kinds) {
    const row = byId('kinds').insertRow();
    row.dataset.kind = kind.kind;
    row.insertCell().append(element('strong', NAMES[kind.kind] ?? kind.kind), element('p', _(kind.text), 'quiet'));
    for (const channel of Object.keys(CHANNELS)) row.insertCell().append(box(kind, channel, chosen));
  }
  byId('none').hidden = chosen.kinds.length > 0;
  byId('no-email').hidden = chosen.available.includes('email');
  byId('email').value = chosen.email ?? '';
  byId('webhook').value = chosen.webhook ?? '';
  byId('secret').hidden = !chosen.signing_secret;
  byId('secret').querySelector('code').textContent = chosen.signing_secret ?? '';
}

function choices() {
  const kinds = [...byId('kinds').rows].map(row => ({
    kind: row.dataset.kind,
    channels: Object.keys(CHANNELS).filter((_, column) => row.cells[column + 1].firstChild.checked),
  }));
  return { kinds, email: byId('email').value.trim() || null, webhook: byId('webhook').value.trim() || null };
}

byId('choices').addEventListener('submit', async event => {
  event.preventDefault();
  const { ok, body } = await ask('PUT', `${ROOT}/settings`, choices());
  byId('saved').textContent = ok ? _('Saved.') : body.detail;
  if (ok) showChoices(body);
});
byId('more').addEventListener('click', async () => {
  pages += 1;
  await show();
});
byId('read').addEventListener('click', async () => {
  await ask('POST', `${ROOT}/read`, { up_to: newest });
  tellAll();
});
const chosen = await ask('GET', `${ROOT}/settings`);
if (chosen.status === 401) toLogin();
if (chosen.ok) showChoices(chosen.body);
onArrival(show);
