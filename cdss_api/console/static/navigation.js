// The head of each page: where one may go, who is logged in, and the way out.
import { ask } from './asking.js';
import { ring } from './bell.js';
import { byId } from './building.js';
import { dropping } from './dropping.js';
import { ROLES, nameOf } from './naming.js';
import { MENU } from './pages.js';
import { askStaying, stay } from './staying.js';
import { _ } from './translating.js';

function link(parent, { path, name }) {
  const made = document.createElement('a');
  made.href = path;
  made.textContent = name;
  if (path === location.pathname) made.setAttribute('aria-current', 'page');
  parent.append(made);
}

function listed(list, page) {
  const item = document.createElement('li');
  link(item, page);
  list.append(item);
}

/** Show what one may open; of a name with several pages the name, of one with a single page that page. */
function showPages(permissions) {
  for (const { name, pages, ...page } of MENU) {
    const shown = (pages ?? [{ name, ...page }]).filter(one => permissions.includes(one.needs));
    if (shown.length < 2) {
      shown.forEach(one => listed(byId('pages'), one));
      continue;
    }
    const summary = document.createElement('summary');
    summary.textContent = name;
    const list = document.createElement('ul');
    shown.forEach(one => listed(list, one));
    const item = document.createElement('li');
    item.append(dropping(summary, list));
    byId('pages').append(item);
  }
}

async function logOut() {
  await ask('POST', '/api/v1/auth/logout', {});
  location.replace('/login');
}

function showWho({ username, display_name: name, role }) {
  const who = document.createElement('span');
  who.textContent = `${name || username} (${nameOf(ROLES, role)})`;
  const out = document.createElement('button');
  out.type = 'button';
  out.id = 'log-out';
  out.className = 'small second';
  out.textContent = _('Log out');
  out.addEventListener('click', logOut);
  byId('who').append(who, out);
}

/** One way to say that a page is not for somebody, whichever page it is. */
function refuse(role) {
  const content = byId('content');
  const told = document.createElement('main');
  told.className = 'card';
  const title = document.createElement('h1');
  title.textContent = _('Not for your role');
  const text = document.createElement('p');
  text.textContent = _('Your account (%(role)s) does not use this page.', { role: nameOf(ROLES, role) });
  const home = document.createElement('p');
  link(home, { path: '/console/', name: _('Go to your page') });
  told.append(title, text, home);
  content.hidden = true; // its script still works on it
  content.after(told);
}

const { ok, status, body } = await askStaying('GET', '/api/v1/auth/me');
if (ok) {
  showPages(body.permissions);
  showWho(body);
  if (byId('bell')) ring(byId('bell'));
  const { needs } = byId('content').dataset;
  if (needs && !body.permissions.includes(needs)) refuse(body.role);
  stay();
} else if (status === 401) {
  link(byId('who'), { path: '/login', name: _('Log in') });
}
