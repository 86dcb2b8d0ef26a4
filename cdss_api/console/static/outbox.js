import { button, byId, element, fill } from './building.js';
import { age, number, time } from './formatting.js';
import { askStaying as ask, toLogin } from './staying.js';
import { _ } from './translating.js';

const PAGE = 50;
const EVERY = 5000; // milliseconds between two looks at the targets
let after = 0; // the number of the last dead letter that is shown

/** Ask, and tell a person where it did not work. */
async function asked(method, path, body) {
  const answer = await ask(method, `/api/v1/outbox/${path}`, body);
  byId('message').textContent = answer.ok ? '' : answer.status === 403 ? _('Your role does not manage the outbox.') : answer.body.detail;
  return answer;
}

function stateOf(target) {
  if (target.profile === null && !target.own) return _('removed');
  if (target.paused) return _('paused');
  return {
    closed: _('sending'), open: _('away, next try %(at)s', { at: time(target.until) }), half_open: _('trying again'),
  }[target.breaker];
}

function showTarget(target) {
  const row = byId('targets').insertRow();
  const state = stateOf(target);
  const texts = [target.target, target.profile ?? (target.own ? _('platform') : ''), target.url ?? '', state, number(target.waiting)];
  texts.push(target.waiting ? age(target.oldest_seconds) : '', target.dead, target.polled.join(', '));
  for (const text of texts) row.insertCell().textContent = text;
  row.cells[3].className = target.breaker === 'closed' && !target.paused ? '' : 'warns';
  row.cells[6].className = target.dead ? 'warns' : '';
  if (target.profile === null) return void row.insertCell();
  const change = { paused: !target.paused };
  const act = async () => (await asked('PATCH', `targets/${target.target}`, change)).ok && targets();
  row.insertCell().append(button(target.paused ? _('Resume') : _('Pause'), act));
}

async function targets() {
  const { ok, body } = await asked('GET', 'targets');
  if (!ok) return;
  byId('targets').replaceChildren();
  body.targets.forEach(showTarget);
  if (!body.targets.length) fill(byId('targets'), [], _('There are no targets. `neuronova outbox target add` makes one.'));
}

function pretty(text) {
  // Shown as it is: read as JSON and written again, a number would lose its digits.
  return text.replace(/,"/g, ',\n"');
}

async function open(details, number) {
  if (!details.open || details.dataset.asked) return;
  details.dataset.asked = 'yes';
  const { ok, body } = await asked('GET', `messages/${number}`);
  if (ok) details.append(element('h3', _('Message')), element('pre', pretty(body.payload)));
}

function showLetter(letter) {
  const details = document.createElement('details');
  details.append(element('summary', `${letter.target} · ${letter.aggregate} · ${letter.kind} · ${time(letter.changed_at)}`));
  details.append(element('h3', _('Answer (%(verdict)s, attempt %(attempts)s)', letter)));
  details.append(element('pre', letter.detail ?? _('(none)')));
  const done = async (method, path) => {
    if (!(await asked(method, path)).ok) return;
    details.remove();
    none();
    await targets();
  };
  const path = `messages/${letter.number}`;
  const row = element('p', '', 'acts');
  row.append(button(_('Replay'), () => done('POST', `${path}/retry`)));
  row.append(button(_('Drop'), () => confirm(_('Delete this message for good?')) && done('DELETE', path), { className: 'danger' }));
  details.append(row);
  details.addEventListener('toggle', () => open(details, letter.number));
  byId('letters').append(details);
}

function none() {
  if (!byId('letters').children.length) byId('letters').append(element('p', _('There are none.'), 'quiet'));
}

async function letters() {
  const { ok, body } = await asked('GET', `messages?state=dead_letter&after=${after}&count=${PAGE}`);
  if (!ok) return;
  body.messages.forEach(showLetter);
  after = body.messages.at(-1)?.number ?? after;
  byId('more').hidden = body.messages.length < PAGE;
  none();
}

async function conflicts() {
  const { ok, body } = await asked('GET', `conflicts?count=${PAGE}`);
  for (const one of ok ? body.conflicts : []) {
    const details = document.createElement('details');
    const version = _('version %(version)s', one);
    const lost = _('lost: %(lost)s', one);
    const what = `${one.target} · ${one.kind}/${one.id} ${version} · ${lost} · ${time(one.found_at)}`;
    details.append(element('summary', what));
    details.append(element('pre', one.loser === null ? _('It had been deleted there.') : pretty(one.loser)));
    byId('conflicts').append(details);
  }
  if (ok && !body.conflicts.length) byId('conflicts').append(element('p', _('There are none.'), 'quiet'));
}

const me = await ask('GET', '/api/v1/auth/me');
if (me.status === 401) toLogin();
byId('more').addEventListener('click', letters);
await letters();
await conflicts();
await targets();
setInterval(targets, EVERY);
