"""What a new shop lacks: errors for a person who asks, and no failure of a schedule that runs from the first day on."""


class NotYet(Exception):
    """Something is missing that comes by itself, with events and days, or when somebody promotes a model."""


class NothingYet(NotYet, FileNotFoundError):
    """There is no history yet, or no table that is made of it."""


class NoModelYet(NotYet, LookupError):
    """No version was promoted yet."""


class TooLittleYet(NotYet, ValueError):
    """The history is too short to judge anything by."""
