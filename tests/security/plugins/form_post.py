"""A provider that a test adds: it answers with a form that the browser posts."""

from connectapp.providers.evil import declared

DECLARATION = declared("form_post", "Form post")
