"""A provider that a test adds: it names itself in every answer."""

from connectapp.providers.evil import declared

DECLARATION = declared("iss", "Iss", callback={"issuer": "https://iss.example"})
