"""Alembic's environment: always on the connection that `connectapp.schema` hands over."""

from alembic import context

import connectapp.accounts.models
import connectapp.audit
import connectapp.connect.attempts
import connectapp.events.models
import connectapp.jobs
import connectapp.mail
import connectapp.organizers.models
import connectapp.payments.models
import connectapp.sessions
import connectapp.tries
import connectapp.vault  # noqa: F401 - these imports make the tables known to the metadata
from connectapp.db import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
context.run_migrations()
