"""The routes of Orthanc 1.10 to 1.12, of its plugins, of DICOMweb (PS3.18) and of ours, written down by hand.

A name in braces stands for an identifier; what it is in a crawl is told there. Every method is asked of each.
"""

from __future__ import annotations

from collections.abc import Iterator


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text, which a list is easier to read as."""
    return tuple(text.split())


LEVELS = {"patients": "patient", "studies": "study", "series": "series", "instances": "instance"}

_EVERY_LEVEL = words("""
    anonymize labels labels/{label} modify module reconstruct statistics metadata metadata/{metadata} attachments
    attachments/{attachment} attachments/{attachment}/compress attachments/{attachment}/compressed-data
    attachments/{attachment}/compressed-md5 attachments/{attachment}/compressed-size attachments/{attachment}/data
    attachments/{attachment}/info attachments/{attachment}/is-compressed attachments/{attachment}/md5
    attachments/{attachment}/size attachments/{attachment}/uncompress attachments/{attachment}/verify-md5
""")
_ABOVE_INSTANCES = words("archive instances instances-tags media shared-tags")
_ONE_LEVEL = {
    "patients": (*_ABOVE_INSTANCES, "protected", "series", "studies"),
    "studies": (*_ABOVE_INSTANCES, "merge", "module-patient", "patient", "series", "split"),
    "series": (*_ABOVE_INSTANCES, "numpy", "ordered-slices", "patient", "study"),
    "instances": words("""
        content content/{tag} export file frames frames/{frame} frames/{frame}/image-int16 frames/{frame}/image-uint16
        frames/{frame}/image-uint8 frames/{frame}/matlab frames/{frame}/numpy frames/{frame}/preview
        frames/{frame}/raw frames/{frame}/raw.gz frames/{frame}/rendered header image-int16 image-uint16 image-uint8
        matlab numpy patient pdf preview rendered series simplified-tags study tags
    """),
}
_OTHERS = words("""
    / /changes /exports /statistics /system

    /jobs /jobs/{job} /jobs/{job}/cancel /jobs/{job}/pause /jobs/{job}/resubmit /jobs/{job}/resume /jobs/{job}/{output}

    /modalities /modalities/{modality} /modalities/{modality}/configuration /modalities/{modality}/echo
    /modalities/{modality}/find /modalities/{modality}/find-instance /modalities/{modality}/find-patient
    /modalities/{modality}/find-series /modalities/{modality}/find-study /modalities/{modality}/find-worklist
    /modalities/{modality}/get /modalities/{modality}/move /modalities/{modality}/query
    /modalities/{modality}/storage-commitment /modalities/{modality}/store /modalities/{modality}/store-straight

    /peers /peers/{peer} /peers/{peer}/configuration /peers/{peer}/store /peers/{peer}/store-straight
    /peers/{peer}/system

    /queries /queries/{query} /queries/{query}/answers /queries/{query}/answers/{answer}
    /queries/{query}/answers/{answer}/content /queries/{query}/answers/{answer}/query-instances
    /queries/{query}/answers/{answer}/query-series /queries/{query}/answers/{answer}/query-studies
    /queries/{query}/answers/{answer}/retrieve /queries/{query}/level /queries/{query}/modality
    /queries/{query}/query /queries/{query}/retrieve

    /storage-commitment /storage-commitment/{commitment} /storage-commitment/{commitment}/remove

    /tools /tools/accepted-sop-classes /tools/accepted-transfer-syntaxes /tools/bulk-anonymize /tools/bulk-content
    /tools/bulk-delete /tools/bulk-modify /tools/count-resources /tools/create-archive /tools/create-dicom
    /tools/create-media /tools/create-media-extended /tools/default-encoding /tools/dicom-conformance
    /tools/dicom-echo /tools/execute-script /tools/find /tools/generate-uid /tools/invalidate-tags /tools/labels
    /tools/log-level /tools/log-level-dicom /tools/log-level-generic /tools/log-level-http /tools/log-level-jobs
    /tools/log-level-lua /tools/log-level-plugins /tools/log-level-sqlite /tools/lookup /tools/metrics
    /tools/metrics-prometheus /tools/now /tools/now-local /tools/reconstruct /tools/reset /tools/shutdown
    /tools/unknown-sop-class-accepted
""")


def _orthanc() -> Iterator[str]:
    for level, one in LEVELS.items():
        yield f"/{level}"
        yield f"/{level}/{{{one}}}"
        yield from (f"/{level}/{{{one}}}/{below}" for below in (*_EVERY_LEVEL, *_ONE_LEVEL[level]))
    yield from _OTHERS


# Orthanc's REST API: https://orthanc.uclouvain.be/api/
ORTHANC = tuple(_orthanc())

# What is not REST: Explorer, the extensions of plugins, WebDAV.
EXPLORER = words(
    """
    /app /app/ /app/explorer.html /app/explorer.js /app/explorer.css /app/images/orthanc-logo.png
    /app/libs/jquery.min.js /favicon.ico /index.html
    /plugins /plugins/explorer.js /plugins/{plugin} /plugins/{plugin}/plugin /plugins/python
    /webdav /webdav/ /webdav/by-patients /webdav/by-studies /webdav/by-dates /webdav/by-uids /webdav/uploads
    /webdav/by-uids/{study_uid} /webdav/by-uids/{study_uid}/{series_uid}
    /webdav/by-uids/{study_uid}/{series_uid}/{instance_uid}.dcm
    """
)

# Below the root of DICOMweb: PS3.18 Tables 8.2-1 (capabilities), 10.1-1 to 10.1-6 (studies), 11.1.1-1 (worklist),
# 12.1.1-1 (what is of no patient), 13.1-1 (storage commitment).
_UPPER = ["studies/{study_uid}", "studies/{study_uid}/series/{series_uid}"]
_INSTANCE = "studies/{study_uid}/series/{series_uid}/instances/{instance_uid}"
_FRAMES = f"{_INSTANCE}/frames/1"
_OF_NO_PATIENT = words("color-palettes defined-procedure-protocols hanging-protocols implant-templates inventories")
STANDARD = (
    *("", "studies", "series", "instances", "studies/series", "studies/{study_uid}/series/{series_uid}/instances"),
    *("studies/{study_uid}/series", "studies/{study_uid}/instances", f"{_INSTANCE}/frames", _FRAMES),
    *(f"{_FRAMES},2", f"{_FRAMES}/rendered", f"{_FRAMES}/thumbnail"),
    *(
        f"{resource}{view}"
        for resource in (*_UPPER, _INSTANCE)
        for view in ("", "/metadata", "/rendered", "/thumbnail", "/pixeldata", "/bulkdata", "/bulk/7fe00010")
    ),
    *(f"{_INSTANCE}/bulk/00091002/1/7fe00010", f"{_INSTANCE}/bulkdata/7fe00010", "bulkdata/{instance}"),
    *("series/{series_uid}", "instances/{instance_uid}", "series/{series_uid}/instances"),
    *("patients", "patients/{patient}", "modality-scheduled-procedure-steps", "modality-performed-procedure-steps"),
    *("workitems", "workitems/{instance_uid}", "workitems/{instance_uid}/state"),
    *("workitems/{instance_uid}/cancelrequest", "workitems/{instance_uid}/subscribers/{modality}"),
    *("workitems/1.2.840.10008.5.1.4.34.5/subscribers/{modality}/suspend", "subscribers/{modality}"),
    *(below for name in _OF_NO_PATIENT for below in (name, f"{name}/{{instance_uid}}")),
    *("commitment-requests", "commitment-requests/{instance_uid}", "notifications"),
)
# Below either root too: what the stock plugin adds.
STOCK = words(
    """
    app app/client/index.html app/client/app.js app/libs/js/axios.min.js info servers servers/{server}
    servers/{server}/delete servers/{server}/get servers/{server}/qido servers/{server}/retrieve
    servers/{server}/stow servers/{server}/wado
    """
)
DICOM_WEB = tuple(
    f"{root}{below}"
    for root in ("/dicom-web", "/_stock-dicom-web")
    for below in ("", *(f"/{below}" for below in (*STANDARD, *STOCK)))
)

_WADO_ARGUMENTS = "?requestType=WADO&studyUID={study_uid}&seriesUID={series_uid}&objectUID={instance_uid}"
WADO = tuple(
    f"{root}{arguments}"
    for root in ("/wado", "/_stock-wado")
    for arguments in (
        "",
        _WADO_ARGUMENTS,
        f"{_WADO_ARGUMENTS}&contentType=application/dicom",
        f"{_WADO_ARGUMENTS}&contentType=image/jpeg&rows=64&columns=64",
        "?requestType=WADO&objectUID={instance_uid}",
        "?requestType=WADO&studyUID={own_study_uid}&seriesUID={series_uid}&objectUID={instance_uid}",
        "?requestType=WADO&studyUID={own_study_uid}&seriesUID={own_series_uid}&objectUID={instance_uid}",
        "?requestType=WADO&studyUID={own_study_uid}&objectUID={instance_uid}",
        _WADO_ARGUMENTS + "&studyUID={own_study_uid}",
        "?studyUID={own_study_uid}" + _WADO_ARGUMENTS.replace("?", "&"),
    )
)

STRANGERS_WADO = f"/wado{_WADO_ARGUMENTS}"

# Searches that a stranger would be found by, or stand beside what is found.
_QUERIES = words("""
    PatientID={patient_id} 00100020={patient_id} PatientID=* PatientID=KIM&PatientID={patient_id}
    PatientID={patient_id}&PatientID=KIM PatientID=KIM%5C{patient_id} PatientName=Mallory* PatientName=*
    fuzzymatching=true&PatientName=mallori StudyInstanceUID={study_uid} 0020000D={study_uid} StudyInstanceUID=*
    StudyInstanceUID={own_study_uid},{study_uid} StudyInstanceUID={own_study_uid}%2C{study_uid}
    StudyInstanceUID={own_study_uid}%5C{study_uid} studyinstanceuid={study_uid} SeriesInstanceUID={series_uid}
    StudyInstanceUID={own_study_uid}&SeriesInstanceUID={series_uid}
    includefield=all includefield=PatientName limit=1000 offset=0&limit=1000 limit=0
""")
SEARCHES = (
    *(f"/dicom-web/{level}?{query}" for level in ("studies", "series", "instances") for query in _QUERIES),
    # Not of studies: Orthanc of Debian 13 fails at that, whoever asks.
    *(f"/dicom-web/{level}?SOPInstanceUID={{instance_uid}}" for level in ("series", "instances")),
)

OURS = words(
    """
    /neuronova /neuronova/ /neuronova/health /neuronova/metrics /neuronova/encode /neuronova/outcomes
    /neuronova/refusal /neuronova/nothing
    /neuronova/holdings /neuronova/holdings?study={study_uid}
    """
)

# The address of one's own study, or series, with a stranger's series or instance below it.
MIXED = tuple(
    below.replace("{study_uid}", "{own_study_uid}").replace("{series_uid}", series)
    for below in DICOM_WEB
    for series in ("{series_uid}", "{own_series_uid}")
    if below.startswith("/dicom-web/studies/{study_uid}/series/{series_uid}")
    if series == "{series_uid}" or "{instance_uid}" in below
)

AREAS = {
    "orthanc": ORTHANC,
    "explorer": EXPLORER,
    "dicomweb": DICOM_WEB,
    "mixed": MIXED,
    "searches": SEARCHES,
    "wado": WADO,
    "ours": OURS,
}
