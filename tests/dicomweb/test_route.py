from __future__ import annotations

import pytest

from orthanc_plugins.dicomweb.route import Kind, Route, parse_route

ROUTES = {
    "studies/1.2": Route(Kind.OBJECTS, "1.2"),
    "studies/1.2/": Route(Kind.OBJECTS, "1.2"),
    "studies/1.2/series/1.3": Route(Kind.OBJECTS, "1.2", "1.3"),
    "studies/1.2/series/1.3/instances/1.4": Route(Kind.OBJECTS, "1.2", "1.3", "1.4"),
    "studies/1.2/metadata": Route(Kind.METADATA, "1.2"),
    "studies/1.2/series/1.3/metadata": Route(Kind.METADATA, "1.2", "1.3"),
    "studies/1.2/series/1.3/instances/1.4/metadata": Route(Kind.METADATA, "1.2", "1.3", "1.4"),
    "studies/1.2/series/1.3/instances/1.4/rendered": Route(Kind.RENDERED, "1.2", "1.3", "1.4"),
    "studies/1.2/series/1.3/thumbnail": Route(Kind.THUMBNAIL, "1.2", "1.3"),
    "studies/1.2/series/1.3/instances/1.4/frames/1": Route(Kind.FRAMES, "1.2", "1.3", "1.4", (1,)),
    "studies/1.2/series/1.3/instances/1.4/frames/3,1,2": Route(Kind.FRAMES, "1.2", "1.3", "1.4", (3, 1, 2)),
    "studies/1.2/series/1.3/instances/1.4/frames/7/rendered": Route(Kind.RENDERED, "1.2", "1.3", "1.4", (7,)),
    # What the stock plugin answers, its errors included.
    "": None,
    "studies": None,
    "studies/": None,
    "studies/1.2/series": None,
    "studies/1.2/instances": None,
    "studies/1.2/series/1.3/instances": None,
    "series/1.3": None,
    "servers": None,
    "studies/1.2/series/1.3/instances/1.4/bulk/7fe00010": None,
    "studies/1.2/series/1.3/instances/1.4/frames": None,
    "studies/1.2/series/1.3/instances/1.4/frames/0": None,
    "studies/1.2/series/1.3/instances/1.4/frames/-1": None,
    "studies/1.2/series/1.3/instances/1.4/frames/1,": None,
    "studies/1.2/series/1.3/instances/1.4/frames/١": None,
    "studies/1.2/series/1.3/instances/1.4/frames/1/2": None,
    "studies//series/1.3": None,
}


@pytest.mark.parametrize("path", ROUTES)
def test_route(path: str) -> None:
    assert parse_route(path) == ROUTES[path]
