"""The same link flow as people write it by hand with Flask and Authlib: what connectapp is compared with."""

import sqlite3
from typing import Any

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, request


def make_app(database: str, sandbox: str, secret_key: str) -> Any:
    """A Flask application that connects accounts and stores what comes back."""
    app = Flask(__name__)
    app.secret_key = "a signed cookie holds the state"
    oauth = OAuth(app)
    stripe = oauth.register(
        "stripe",
        client_id="ca_sandbox",
        client_secret=secret_key,
        authorize_url="https://connect.stripe.com/oauth/authorize",
        access_token_url=f"{sandbox}/connect.stripe.com/oauth/token",
        client_kwargs={"scope": "read_write", "token_endpoint_auth_method": "client_secret_post"},
    )
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE account (id TEXT PRIMARY KEY, access_token TEXT, refresh_token TEXT)")
    connection.close()

    @app.post("/connect")
    def connect() -> Any:
        return stripe.authorize_redirect(f"{request.host_url}callback")

    @app.get("/callback")
    def callback() -> Any:
        token = stripe.authorize_access_token()
        row = (token["stripe_user_id"], token["access_token"], token["refresh_token"])
        with sqlite3.connect(database) as connection:
            connection.execute("INSERT OR REPLACE INTO account VALUES (?, ?, ?)", row)
        connection.close()
        return redirect("/")

    return app
