"""All operations of Access."""

from . import applications, keys, organization, policies, service_tokens

ROUTES = (
    *applications.ROUTES,
    *policies.ROUTES,
    *service_tokens.ROUTES,
    *organization.ROUTES,
    *keys.ROUTES,
)
