// Notifications as they come. One tab of the browser holds the stream and tells the others: a browser opens no more than
// six connections to one origin, and a stream is one for as long as it lives.
import { askStaying } from './staying.js';

const STREAM = '/api/v1/notifications/stream';
const NAME = 'neuronova-notifications'; // of the lock that the holder has, and of the channel to the other tabs
const SHORTEST = 2000; // milliseconds until a stream that was refused is tried again; twice as long each time
const LONGEST = 60_000;
const others = new BroadcastChannel(NAME);
const heard = new Set(); // what of this tab is called

const callAll = () => heard.forEach(one => one());

/** Tell this tab and the others that something changed. */
export function tellAll() {
  callAll();
  others.postMessage('changed');
}

function hold(wait = SHORTEST) {
  const stream = new EventSource(STREAM);
  const told = () => {
    wait = SHORTEST;
    tellAll();
  };
  // After a connection that was lost, too: the browser makes it again by itself, and what was missed comes then.
  stream.addEventListener('ready', told);
  stream.addEventListener('notification', told);
  stream.addEventListener('error', () => {
    if (stream.readyState !== EventSource.CLOSED) return;
    setTimeout(async () => {
      await askStaying('GET', '/api/v1/auth/me'); // renews the login where that is why
      hold(Math.min(2 * wait, LONGEST));
    }, wait);
  });
}

/** Call `changed` now, and whenever there may be something new. */
export function onArrival(changed) {
  heard.add(changed);
  changed();
  if (heard.size > 1) return;
  others.addEventListener('message', callAll);
  if (!navigator.locks) return void hold();
  // Never given back: the next tab gets it when this one is closed.
  navigator.locks.request(NAME, () => new Promise(() => hold()));
}
