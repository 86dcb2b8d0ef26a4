// The pages there are, who is shown them, and which one each role begins with.
export const PAGES = [
  { path: '/console/overview', name: 'Overview', needs: 'platform:health' },
  { path: '/console/reading', name: 'Reading', needs: 'reports:write' },
  { path: '/console/worklist', name: 'Worklist', needs: 'orders:write' },
  { path: '/console/mismatches', name: 'Held studies', needs: 'imaging:match' },
  { path: '/console/patients', name: 'Merge patients', needs: 'patients:merge' },
  { path: '/console/studies', name: 'Stored studies', needs: 'archive:manage' },
  { path: '/console/retention', name: 'Retention', needs: 'archive:manage' },
  { path: '/console/outbox', name: 'Outbox', needs: 'outbox:manage' },
  { path: '/console/jobs', name: 'AI jobs', needs: 'jobs:manage' },
  { path: '/console/audit', name: 'Audit', needs: 'audit:read' },
  { path: '/', name: 'Study list', needs: 'images:query' },
];
const HOMES = { radiologist: '/console/reading', technologist: '/console/worklist', admin: '/console/overview' };

/** Return the page that a role begins with. */
export const homeOf = role => HOMES[role] ?? '/';
