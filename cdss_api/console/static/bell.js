// The bell in each page's head: how much is unread, and the newest of it.
import { onArrival, tellAll } from './arriving.js';
import { element } from './building.js';
import { dropping } from './dropping.js';
import { moment } from './formatting.js';
import { askStaying as ask } from './staying.js';
import { _ } from './translating.js';

const ROOT = '/api/v1/notifications';
const SHOWN = 8;
const SVG = 'http://www.w3.org/2000/svg';
const SHAPE = 'M12 3a6 6 0 0 0-6 6v4l-2 3.5h16L18 13V9a6 6 0 0 0-6-6zM9.5 18.5a2.5 2.5 0 0 0 5 0z';
let heard = null; // the number of the newest that was read out

export const NAMES = {
  'ai-critical-finding': _('AI finding'),
  'ai-job-failed': _('AI job failed'),
  'break-glass': _('Emergency access'),
};

/** Return a notification as an item of a list. */
export function item(one) {
  const made = element('li', '', one.read_at ? 'read' : 'unread');
  const head = element('p', '', 'quiet');
  head.append(element('strong', NAMES[one.kind] ?? one.kind), ` · ${moment(one.created_at)}`);
  const text = element('p');
  const link = element('a', one.subject);
  link.href = one.link;
  text.append(link);
  made.append(head, text);
  if (!one.read_at) {
    const button = element('button', _('Mark as read'), 'small second');
    button.type = 'button';
    button.addEventListener('click', async () => {
      button.disabled = true;
      await ask('POST', `${ROOT}/${one.id}/read`);
      tellAll();
    });
    made.append(button);
  }
  return made;
}

function picture() {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', SHAPE);
  svg.append(path);
  return svg;
}

const counted = unread => (unread > 99 ? '99+' : String(unread));

/** Put the bell into a place of the page, and keep it up to date. */
export function ring(place) {
  const summary = document.createElement('summary');
  const count = element('span', '', 'count');
  const list = element('ul');
  const aloud = element('span', '', 'aloud');
  aloud.setAttribute('role', 'status');
  const all = element('a', _('All notifications and settings'));
  all.href = '/console/notifications';
  const panel = element('div');
  panel.append(list, all);
  summary.append(picture(), count);
  place.replaceChildren(dropping(summary, panel), aloud);
  place.hidden = false;

  let asking = false;
  let again = false;
  async function show() {
    again = asking;
    if (asking) return;
    asking = true;
    const { ok, body } = await ask('GET', `${ROOT}?limit=${SHOWN}`);
    asking = false;
    if (ok) {
      count.textContent = body.unread ? counted(body.unread) : '';
      summary.setAttribute('aria-label', _('Notifications, %(count)s unread', { count: counted(body.unread) }));
      list.replaceChildren(...body.notifications.map(item));
      if (!body.notifications.length) list.append(element('li', _('There are none.'), 'quiet'));
      const newest = body.notifications[0];
      if (heard !== null && newest?.number > heard) aloud.textContent = newest.subject;
      heard = newest?.number ?? 0;
    }
    if (again) await show();
  }
  onArrival(show);
}
