// The pages there are, under which name they are found, who is shown them, and which one each role begins with.
import { _ } from './translating.js';

export const MENU = [
  { path: '/console/overview', name: _('Overview'), needs: 'platform:health' },
  { path: '/console/reading', name: _('Reading'), needs: 'reports:write' },
  { path: '/console/worklist', name: _('Worklist'), needs: 'orders:write' },
  {
    name: _('Patients'),
    pages: [
      { path: '/console/mismatches', name: _('Held studies'), needs: 'imaging:match' },
      { path: '/console/patients', name: _('Merge patients'), needs: 'patients:merge' },
    ],
  },
  {
    name: _('Archive'),
    pages: [
      { path: '/console/studies', name: _('Stored studies'), needs: 'archive:manage' },
      { path: '/console/retention', name: _('Retention'), needs: 'archive:manage' },
      { path: '/console/forwarding', name: _('Forwarding'), needs: 'outbox:manage' },
      { path: '/console/prefetch', name: _('Prefetch'), needs: 'outbox:manage' },
    ],
  },
  {
    name: _('System'),
    pages: [
      { path: '/console/jobs', name: _('AI jobs'), needs: 'jobs:manage' },
      { path: '/console/outbox', name: _('Outbox'), needs: 'outbox:manage' },
      { path: '/console/modalities', name: _('Modalities'), needs: 'modalities:manage' },
      { path: '/console/users', name: _('Users'), needs: 'users:manage' },
      { path: '/console/settings', name: _('Settings'), needs: 'settings:read' },
      { path: '/console/audit', name: _('Audit'), needs: 'audit:read' },
    ],
  },
  { path: '/', name: _('Study list'), needs: 'images:query' },
];
const HOMES = { radiologist: '/console/reading', technologist: '/console/worklist', admin: '/console/overview' };

/** Return the page that a role begins with. */
export const homeOf = role => HOMES[role] ?? '/';
