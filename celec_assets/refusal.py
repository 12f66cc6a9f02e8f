"""The one kind of error that is expected: data that cannot be used, said plainly. Anything else is a fault of ours."""


class Refusal(Exception):
    """Something that was given cannot be used; the message says what, why, and what to do."""
