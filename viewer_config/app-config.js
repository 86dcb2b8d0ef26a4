// Who reads: the API's cookies carry the login to every request of this origin, or a study link its own token (`?token=`).
const session = (() => {
  const REFRESH = '/api/v1/auth/refresh';
  const EVERY = 4 * 60 * 1000; // the access token holds for ten minutes
  const REFRESHED = 'neuronova-refreshed'; // when any tab of this browser last did
  const linkToken = new URLSearchParams(location.search).get('token');
  const byLink = linkToken !== null;

  function toLogin() {
    location.replace(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  }

  // Before OHIF asks for anything it has to be known who asks, and this file has to be done by then.
  function askNow(method, path) {
    const request = new XMLHttpRequest();
    request.open(method, path, false);
    if (method === 'POST') request.setRequestHeader('Content-Type', 'application/json');
    if (byLink) request.setRequestHeader('Authorization', `Bearer ${linkToken}`);
    request.send(method === 'POST' ? '{}' : null);
    return { refused: request.status === 401, body: request.status === 200 ? JSON.parse(request.responseText) : null };
  }

  // Without the API there is no name to show, and a token that still holds shows images all the same.
  function whoReads() {
    const me = askNow('GET', '/api/v1/auth/me');
    if (byLink || !me.refused) return me.body;
    const refreshed = askNow('POST', REFRESH);
    if (refreshed.refused) toLogin();
    if (!refreshed.body) return null;
    localStorage.setItem(REFRESHED, Date.now());
    return askNow('GET', '/api/v1/auth/me').body;
  }

  // A refresh token can be used once: one tab at a time.
  async function refresh() {
    const locks = navigator.locks ?? { request: (_name, run) => run() };
    return locks.request('neuronova-refresh', async () => {
      if (Date.now() - Number(localStorage.getItem(REFRESHED)) < EVERY / 2) return true;
      const headers = { 'Content-Type': 'application/json' };
      const answer = await fetch(REFRESH, { method: 'POST', headers, body: '{}' }).catch(() => null);
      if (answer?.ok) localStorage.setItem(REFRESHED, Date.now());
      return answer ? answer.ok || answer.status >= 500 : true; // a server that is down is not the end of a login
    });
  }

  async function keep() {
    if (!(await refresh())) toLogin();
  }

  async function logOut() {
    await fetch('/api/v1/auth/logout', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' });
    location.replace('/login');
  }

  async function onHttpError(error) {
    if (error.status !== 401 || byLink) return;
    localStorage.removeItem(REFRESHED);
    if (await refresh()) location.reload();
    else toLogin();
  }

  // OHIF's page for a study that it does not find knows nothing of who may break the glass.
  function watchForMissingStudies() {
    const push = history.pushState;
    const replace = history.replaceState;
    const watched = original =>
      function (state, title, url) {
        if (String(url ?? '').startsWith('/notfoundstudy')) {
          const study = new URLSearchParams(location.search).get('StudyInstanceUIDs') ?? '';
          location.replace(`/console/not-found?study=${encodeURIComponent(study)}`);
          return undefined;
        }
        return original.call(history, state, title, url);
      };
    history.pushState = watched(push);
    history.replaceState = watched(replace);
  }

  const reader = whoReads();
  // Without an answer the server is left to decide.
  const maySave = reader?.permissions.includes('images:store') ?? true;
  if (!byLink) {
    setInterval(keep, EVERY);
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && keep());
    watchForMissingStudies();
  }
  return { reader, byLink, maySave, logOut, onHttpError };
})();

// The reading list and the report editor: which study is on the screen, and which shall be.
(() => {
  if (session.byLink || !('BroadcastChannel' in window)) return;
  const channel = new BroadcastChannel('neuronova-reading');
  const shown = () => (location.pathname.startsWith('/viewer') && new URLSearchParams(location.search).get('StudyInstanceUIDs')) || '';
  // The image on the screen, for the report's key images.
  function image() {
    const { viewportGridService, cornerstoneViewportService } = window.services ?? {};
    const active = cornerstoneViewportService?.getCornerstoneViewport?.(viewportGridService?.getActiveViewportId?.());
    const id = active?.getCurrentImageId?.() ?? '';
    const found = id.match(/\/series\/([0-9.]+)\/instances\/([0-9.]+)(?:\/frames\/([0-9]+))?/);
    return found && { series: found[1], instance: found[2], frame: Number(found[3]) || null };
  }

  const tell = kind => channel.postMessage({ from: 'viewer', kind, study: shown() });
  channel.addEventListener('message', ({ data }) => {
    if (data.kind === 'who') tell('at');
    if (data.kind === 'which' && data.study === shown()) {
      channel.postMessage({ from: 'viewer', kind: 'image', study: shown(), image: image() });
    }
    // Only the window that the list has opened follows it.
    if (data.from === 'list' && data.kind === 'show' && window.name === 'neuronova-viewer' && data.study !== shown()) {
      location.assign(`/viewer?StudyInstanceUIDs=${encodeURIComponent(data.study)}`);
    }
  });
  tell('at');
  window.addEventListener('popstate', () => tell('at'));
  window.addEventListener('pagehide', () => channel.postMessage({ from: 'viewer', kind: 'gone', study: shown() }));
})();

// What the viewer stores.
const saving = (() => {
  const OBSERVER = '121008'; // Person Observer Name (PS3.16 TID 1003)

  // In place of the dialog, for those who may not: OHIF would list a report that the server refuses as if it were there.
  function refusal({ hide, onCancel }) {
    const React = session.React;
    React.useEffect(() => onCancel, []); // what waits for the dialog's answer goes on
    const who = session.byLink ? 'This link' : 'Your role';
    const text = `${who} lets you look and measure, but not save: what you drew is in this window only.`;
    const button = { color: '#5acce6', marginTop: '16px', float: 'right' };
    return React.createElement('div', { role: 'alert', style: { color: '#fff', maxWidth: '28rem' } }, [
      React.createElement('p', { key: 'text' }, text),
      React.createElement('button', { key: 'close', type: 'button', style: button, onClick: hide }, 'Go on without saving'),
    ]);
  }

  // OHIF leaves out who measured, and what the study's other objects say of the study and its patient: where an object
  // lacks it, Orthanc's search may lose it for the whole study.
  function complete({ measurementData, naturalizedReport }) {
    // Who holds a link need not be who made it.
    const name = session.byLink ? null : session.reader?.display_name || session.reader?.username;
    const observer = naturalizedReport.ContentSequence.find(
      item => [item.ConceptNameCodeSequence].flat()[0].CodeValue === OBSERVER
    );
    if (name && observer) observer.PersonName = name.replace(/[\\^=]/g, ' ');
    const { displaySetService } = window.services;
    const image = displaySetService.getDisplaySetByUID(measurementData[0].displaySetInstanceUID)?.instances?.[0];
    for (const keyword of ['StudyDescription', 'IssuerOfPatientID']) {
      if (image?.[keyword]) naturalizedReport[keyword] ??= image[keyword];
    }
  }

  return {
    onBeforeDicomStore: { $set: complete },
    ...(session.maySave ? {} : { 'ohif.createReportDialog': { $set: refusal } }),
  };
})();

// Numbers of a whole region or series have no place on an image. OHIF looks for one all the same, fails, and shows none
// of the object's other measurements either.
const placed = ({ measurement }) => (measurement.coords.length ? measurement : { ...measurement, coords: [{}] });

// OHIF tells an image which measurements it shows, but does not draw them then. On a busy machine that comes after the
// image was drawn, and a finding would not be circled until the next image: so they are drawn again a little later.
const DRAWN_AGAIN = [300, 2000]; // milliseconds
const drawMeasurements = viewport => {
  const { ToolGroupManager, utilities } = window.cornerstoneTools;
  if (ToolGroupManager.getToolGroup('SRToolGroup')?.getViewportIds().includes(viewport)) {
    utilities.triggerAnnotationRenderForViewportIds([viewport]);
  }
};
document.addEventListener(
  'CORNERSTONE_STACK_NEW_IMAGE',
  ({ detail }) => DRAWN_AGAIN.forEach(wait => setTimeout(drawMeasurements, wait, detail.viewportId)),
  true // such an event does not rise from its element
);

// OHIF's settings (https://docs.ohif.org/configuration). Same origin: the gateway serves the viewer and /dicom-web/.
window.config = {
  name: 'NeuroNova',
  routerBasename: null,
  extensions: [],
  modes: [],
  // No guided tour over the first study that a new user opens.
  // Opening a segmentation, or numbers with their places, is asked for by opening it.
  disableConfirmationPrompts: true,
  customizationService: { 'ohif.tours': { $set: [] }, onBeforeSRAddMeasurement: { $set: placed }, ...saving },
  showStudyList: true,
  showLoadingIndicator: true,
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: true,
  // A head CT with gantry tilt or a missing slice must not be reconstructed as if it were even.
  strictZSpacingForVolumeViewport: true,
  groupEnabledModesFirst: true,
  allowMultiSelectExport: false,
  investigationalUseDialog: { option: 'never' },
  showErrorDetails: 'production',
  maxNumberOfWebWorkers: 4,
  // A browser opens six connections to one HTTP/1.1 origin; longer queues here only delay what is on the screen.
  maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 },
  httpErrorHandler: session.onHttpError,
  whiteLabeling: {
    createLogoComponentFn: React => {
      const PAGES = ['reports:write', 'orders:write', 'imaging:match', 'outbox:manage', 'audit:read'];
      session.React = React; // OHIF hands it out nowhere else
      const name = { color: '#fff', fontSize: '18px', fontWeight: 600, letterSpacing: '0.02em' };
      const who = { color: '#b3bbe8', fontSize: '13px', marginLeft: '16px' };
      const logout = { color: '#5acce6', fontSize: '13px', marginLeft: '8px', cursor: 'pointer' };
      const leave = event => {
        event.preventDefault();
        event.stopPropagation(); // the logo leads to the study list
        session.logOut();
      };
      const reader = session.reader && !session.byLink && [
        React.createElement('span', { key: 'who', style: who }, session.reader.display_name || session.reader.username),
        PAGES.some(one => session.reader.permissions.includes(one)) &&
          React.createElement('a', { key: 'home', href: '/console/', style: logout, onClick: event => event.stopPropagation() }, 'My pages'),
        React.createElement('a', { key: 'out', id: 'log-out', href: '/login', style: logout, onClick: leave }, 'Log out'),
      ];
      return React.createElement('span', { style: { whiteSpace: 'nowrap' } }, React.createElement('span', { style: name }, 'NeuroNova'), reader);
    },
  },
  defaultDataSourceName: 'neuronova',
  dataSources: [
    {
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'neuronova',
      configuration: {
        friendlyName: 'NeuroNova',
        name: 'neuronova',
        qidoRoot: '/dicom-web',
        wadoRoot: '/dicom-web',
        // A picture is shown from an eighth of its resolution on: OHIF's own start, half of it, comes hardly sooner than
        // the whole where compression is lossless.
        stackRetrieveOptions: { retrieveOptions: { single: { streaming: true, decodeLevel: 3 } } },
        wadoUriRoot: '/dicom-web',
        qidoSupportsIncludeField: true,
        imageRendering: 'wadors',
        thumbnailRendering: 'thumbnail',
        enableStudyLazyLoad: true,
        // Orthanc matches `*` and `?`, in any case; it does not do DICOM's fuzzy matching.
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        supportsReject: false,
        dicomUploadEnabled: false,
        omitQuotationForMultipartRequest: true,
        singlepart: 'bulkdata,video,pdf',
        bulkDataURI: { enabled: true, relativeResolution: 'studies' },
      },
    },
  ],
};

document.title = 'NeuroNova';
