// OHIF's settings (https://docs.ohif.org/configuration). Same origin: the gateway serves the viewer and /dicom-web/.
window.config = {
  name: 'NeuroNova',
  routerBasename: null,
  extensions: [],
  modes: [],
  // No guided tour over the first study that a new user opens.
  customizationService: { 'ohif.tours': { $set: [] } },
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
  whiteLabeling: {
    createLogoComponentFn: React =>
      React.createElement(
        'span',
        { style: { color: '#fff', fontSize: '18px', fontWeight: 600, letterSpacing: '0.02em' } },
        'NeuroNova'
      ),
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
