"""The conformance kit: whether a provider's declaration works, asked of the real application and the sandbox.

``pytest -p connectapp.testing.plugin --connectapp-provider=acme``, or a class ``TestAcme(ProviderContract)``; see
docs/conformance-kit.md.
"""
