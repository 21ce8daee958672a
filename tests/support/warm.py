"""Imports everything that an application needs, for the server that the processes of `blackbox` are forked from."""

import importlib
import pkgutil

import argon2
import psycopg
import pyramid_jinja2
import waitress.server
import webob

import connectapp

for found in pkgutil.walk_packages(connectapp.__path__, "connectapp."):
    if ".migrations" not in found.name:
        importlib.import_module(found.name)

__all__ = ["argon2", "psycopg", "pyramid_jinja2", "waitress", "webob"]
