"""Makes ready what every application needs, for the server that the processes of `blackbox` are forked from."""

import gc
import importlib
import pkgutil

import argon2
import psycopg
import pyramid_jinja2
import waitress.server
import webob
from sqlalchemy.orm import configure_mappers

import connectapp

for found in pkgutil.walk_packages(connectapp.__path__, "connectapp."):
    if ".migrations" not in found.name:
        importlib.import_module(found.name)
configure_mappers()
# What is here stays: no process that is forked from this one looks through it again.
gc.collect()
gc.freeze()

__all__ = ["argon2", "psycopg", "pyramid_jinja2", "waitress", "webob"]
