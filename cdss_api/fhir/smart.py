"""What clients need to know to ask for a token (SMART App Launch 2.2, `.well-known/smart-configuration`)."""

from __future__ import annotations

from typing import Any

from cdss_api.clients.keys import ALGORITHMS
from cdss_api.clients.tokens import GRANT, endpoint
from cdss_api.fhir.permissions import WRITE
from cdss_api.service import Service

_JWKS = "/api/v1/.well-known/jwks.json"


def smart(service: Service) -> dict[str, Any]:
    """Return the configuration: only what works here, so no launch of an app and no login of a person."""
    kinds = ("*", *sorted(WRITE))
    return {
        "issuer": service.settings.gateway_url,
        "jwks_uri": f"{service.settings.gateway_url}{_JWKS}",
        "token_endpoint": endpoint(service),
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "grant_types_supported": [GRANT],
        "scopes_supported": [f"system/{kind}.{letters}" for kind in kinds for letters in ("cruds", "rs")],
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    }
