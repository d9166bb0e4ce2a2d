"""All operations of Access."""

from . import applications, organization, policies, service_tokens

ROUTES = (
    *applications.ROUTES,
    *policies.ROUTES,
    *service_tokens.ROUTES,
    *organization.ROUTES,
)
