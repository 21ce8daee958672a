"""Our own sentences for every outcome. A provider's prose is never shown."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """What happened, and what to do now. `status` is that of the page; `{provider}` is filled in."""

    heading: str
    sentence: str
    next_steps: tuple[str, ...] = ()
    status: int = 200


AGAIN = "Press Connect again: it begins anew and takes a minute."
SAFE = "Nothing was connected, and nothing was changed at {provider}."

# By the status of the attempt, where the reason says nothing more.
STATUSES = {
    "pending": Message(
        "Not finished yet",
        "We are still waiting for your answer at {provider}.",
        ("Finish at {provider} in the window where you began.", "Or press Connect again at any time."),
    ),
    "exchanging": Message(
        "Almost there",
        "{provider} has answered and the connection is being finished. This page looks again by itself.",
    ),
    "linked": Message("Connected", "Ticket money can go straight to this {provider} account."),
    "awaiting_confirmation": Message(
        "Replace the account?", "Nothing changes until you confirm. The account that you have stays connected."
    ),
    "outcome_unknown": Message(
        "We cannot tell whether it worked",
        "{provider} did not give a clear answer in time. Nothing is connected here.",
        (AGAIN, "If {provider} lists this platform twice afterwards, that is harmless."),
    ),
    "denied": Message(
        "You did not connect", "You chose not to connect at {provider}. " + SAFE, ("You can connect at any time.",)
    ),
    "failed": Message("It did not work", SAFE, (AGAIN,)),
    "refused": Message("This connection was refused", SAFE, (AGAIN,), 400),
}

# By the reason of the attempt.
REASONS = {
    "choose_account": Message(
        "Which account?",
        "What you approved at {provider} opens several accounts. Choose the one that ticket money is to go to.",
    ),
    "pending_verification": Message(
        "Approved, and being checked",
        "{provider} has approved. We are still asking which account it is, for ten minutes at most; until then it "
        "cannot be used. This page looks again by itself.",
    ),
    "expired": Message(
        "This took too long", "The answer from {provider} came after the connection had run out. " + SAFE, (AGAIN,), 400
    ),
    "other_provider": Message(
        "The answer came from the wrong place",
        "The connection was begun with another provider than the one that answered, so it was refused.",
        ("If you did not expect this, tell the platform's support.", AGAIN),
        400,
    ),
    "callback_unproven": Message(
        "The answer could not be proven",
        "What you came back with does not carry the signature of {provider}, or came too late, so it was refused. "
        "Nothing was connected here.",
        (AGAIN, "Tell the platform's support the reference below if it happens again."),
        400,
    ),
    "other_tenant": Message(
        "This is not the one that you named",
        "What came back from {provider} is of another account than the one that you named before you went there, or it "
        "is connected here under another name. So it was refused.",
        ("Look at what you typed, and at the account that you signed in with, then connect again.",),
        400,
    ),
    "role_lost": Message(
        "You may not connect accounts any more",
        "Your role in this organizer was changed meanwhile. " + SAFE,
        ("Ask an owner of the organizer.",),
        403,
    ),
    "configuration_changed": Message(
        "The platform was changed meanwhile",
        "Its connection to {provider} was set up anew while you were there. " + SAFE,
        (AGAIN,),
        400,
    ),
    "malformed_answer": Message(
        "The answer was not understood",
        "What came back from {provider} cannot be used, so nothing was connected here.",
        (AGAIN,),
        400,
    ),
    "code_seen": Message(
        "This answer was used before",
        "The same answer of {provider} came a second time, so it was refused.",
        (AGAIN,),
        400,
    ),
    "not_finished": Message(
        "Your account is not finished yet",
        "{provider} still wants something from you before the account can be connected. What you did there is kept.",
        ("Press Connect again: it goes on where you stopped.",),
    ),
    "provider_error": Message("{provider} reported a problem", "It could not finish the connection. " + SAFE, (AGAIN,)),
    "provider_unreachable": Message(
        "{provider} cannot be reached right now",
        "We could not get through to {provider}, so nothing was connected.",
        ("Wait a few minutes, then press Connect again.",),
    ),
    "code_refused": Message(
        "{provider} did not accept the answer",
        "It had run out or had been used already. " + SAFE,
        (AGAIN,),
    ),
    "request_refused": Message(
        "{provider} did not accept our request",
        "This is the platform's fault and not yours. " + SAFE,
        ("Tell the platform's support the reference below.",),
    ),
    "scope_refused": Message(
        "{provider} did not grant what we asked for",
        "The platform asks for access that {provider} does not give it. " + SAFE,
        ("Tell the platform's support the reference below.",),
    ),
    "platform_refused": Message(
        "{provider} does not know this platform",
        "The platform's own keys for {provider} are wrong or switched off. " + SAFE,
        ("Tell the platform's support the reference below.",),
    ),
    "other_mode": Message(
        "Test and live were mixed",
        "{provider} answered for the other of its two sides, test or live, so the connection was refused.",
        ("Tell the platform's support the reference below.",),
        400,
    ),
    "identity_mismatch": Message(
        "The account could not be proven",
        "{provider} named one account and gave us the key of another, so the connection was refused.",
        (AGAIN, "Tell the platform's support the reference below if it happens again."),
        400,
    ),
    "identity_refused": Message(
        "The account could not be proven",
        "{provider} would not tell us which account it is, so the connection was refused.",
        (AGAIN,),
        400,
    ),
    "not_verified": Message(
        "The account could not be checked",
        "{provider} did not tell us in time which account it is, so the access was given back.",
        (AGAIN,),
    ),
    "not_stored": Message(
        "It could not be stored", "We could not keep the connection safely, so the access was given back.", (AGAIN,)
    ),
    "account_elsewhere": Message(
        "This account belongs to another organizer",
        "It is already connected to another organizer on this platform. It stays connected there and was not "
        "connected here.",
        ("Disconnect it there first, or connect a different account.",),
        409,
    ),
    "not_chosen": Message(
        "You connected none of them",
        "None of the accounts was chosen, and the access that {provider} had given is given back.",
        ("You can connect at any time.",),
    ),
    "kept_old": Message(
        "You kept the account that you had", "The new account is not connected, and its access was given back."
    ),
    "not_confirmed": Message(
        "The replacement was not confirmed in time",
        "You still have the account that you had; the new one's access was given back.",
        (AGAIN,),
        400,
    ),
    "interrupted": Message(
        "We were interrupted",
        "Our side stopped in the middle, and we cannot tell whether {provider} had finished. Nothing is connected "
        "here.",
        (AGAIN,),
    ),
}

# Where there is no attempt of this person's to show.
PROBLEMS = {
    "unknown_state": Message(
        "We do not know this answer",
        "It does not belong to a connection that was begun here, so nothing was done with it.",
        ("Start again from your accounts.",),
        400,
    ),
    "malformed_answer": Message(
        "The answer was not understood",
        "The address that you came back with is not as {provider} writes it, so nothing was done with it.",
        ("Start again from your accounts.",),
        400,
    ),
    "foreign_session": Message(
        "This answer belongs to somebody else",
        "The connection was begun in another browser or by another person, so nothing was done with it here.",
        ("Go on in the browser where you began.", "If somebody sent you this address, do not use it."),
        403,
    ),
    "signed_out": Message(
        "You are signed out",
        "We cannot tell who began this connection, so nothing was done with it.",
        ("Sign in, then start again from your accounts.",),
        403,
    ),
}


# Where the provider's accounts take no payments for tickets.
LINKED_ALONE = Message("Connected", "This platform may use this {provider} account now. No ticket money goes there.")


def of_attempt(status: str, reason: str | None, *, charges: bool) -> Message:
    """The message of an attempt's outcome. :param charges: whether the provider's accounts can take ticket money."""
    if status == "linked" and not charges:
        return LINKED_ALONE
    return REASONS.get(reason or "") or STATUSES[status]
