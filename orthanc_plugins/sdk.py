# ruff: noqa: D102, N802 - the names are Orthanc's, and so is their documentation
"""The calls of Orthanc's Python module that the plugins use, as types; nothing here imports `orthanc`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

OnRestRequest = Callable[..., None]
OnChange = Callable[[int, int, str], None]
OnRequest = Callable[..., bool]
OnWorklist = Callable[["WorklistAnswers", "WorklistQuery", str, str], None]


_GONE = (7, 17)  # InexistentItem, UnknownResource


def is_gone(error: Exception) -> bool:
    """Tell whether an OrthancException says that there is no such thing, and not that it cannot be known now."""
    return bool(error.args) and error.args[0] in _GONE


class Output(Protocol):
    """The answer to one request, written once."""

    def AnswerBuffer(self, body: bytes, mime: str, /) -> None: ...
    def SendHttpStatus(self, status: int, body: str, size: int = ..., /) -> None: ...
    def SendHttpStatusCode(self, status: int, /) -> None: ...
    def SendMethodNotAllowed(self, allowed: str, /) -> None: ...
    def SetHttpHeader(self, name: str, value: str, /) -> None: ...
    def StartMultipartAnswer(self, subtype: str, content_type: str, /) -> None: ...
    def SendMultipartItem(self, body: bytes, /) -> None: ...


class Instance(Protocol):
    """An instance that was just stored."""

    def GetInstanceData(self) -> bytes: ...
    def GetInstanceOrigin(self) -> int: ...
    def GetInstanceRemoteAet(self) -> str: ...


class ReceivedInstance(Protocol):
    """An instance that a modality sends, before it is stored."""

    def GetInstanceData(self) -> bytes: ...
    def GetInstanceRemoteAet(self) -> str: ...


class WorklistQuery(Protocol):
    """What a modality asks of the worklist."""

    def WorklistGetDicomQuery(self) -> bytes: ...


class WorklistAnswers(Protocol):
    """The answers to it."""

    def WorklistAddAnswer(self, query: WorklistQuery, dicom: bytes, /) -> None: ...


class InstanceOrigins(Protocol):
    """The numbers of the ways by which an instance comes."""

    DICOM_PROTOCOL: int


class HttpMethods(Protocol):
    """The numbers of the methods that reach the request filter."""

    GET: int
    POST: int
    PUT: int
    DELETE: int


class ChangeTypes(Protocol):
    """The numbers of the events that reach OnChange."""

    NEW_INSTANCE: int
    DELETED: int
    ORTHANC_STARTED: int
    ORTHANC_STOPPED: int


class ResourceTypes(Protocol):
    """The numbers of the levels of a resource."""

    PATIENT: int
    STUDY: int
    SERIES: int
    INSTANCE: int


class Sdk(Protocol):
    """The module `orthanc`, as far as it is used."""

    ChangeType: ChangeTypes
    ResourceType: ResourceTypes
    HttpMethod: HttpMethods
    InstanceOrigin: InstanceOrigins
    OrthancException: type[Exception]

    def RegisterRestCallback(self, uri: str, callback: OnRestRequest, /) -> None: ...
    def RegisterOnChangeCallback(self, callback: OnChange, /) -> None: ...
    def RegisterOnStoredInstanceCallback(self, callback: Callable[[Instance, str], None], /) -> None: ...
    def RegisterIncomingCStoreInstanceFilter(self, callback: Callable[[ReceivedInstance], int], /) -> None: ...
    def RegisterIncomingHttpRequestFilter(self, callback: OnRequest, /) -> None: ...
    def RegisterWorklistCallback(self, callback: OnWorklist, /) -> None: ...
    def RestApiGet(self, uri: str, /) -> bytes: ...
    def RestApiPost(self, uri: str, body: bytes, /) -> bytes: ...
    def RestApiPut(self, uri: str, body: bytes, /) -> bytes: ...
    def RestApiDelete(self, uri: str, /) -> None: ...
    def GetConfiguration(self) -> str: ...
