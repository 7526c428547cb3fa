"""Every exception raised on purpose. One line each; the command line prints it without a traceback."""


class Ntn6gError(Exception):
    """Base of every error that a user can cause or mend; ``exit_code`` is what the command line returns."""

    exit_code = 1


class ScenarioError(Ntn6gError):
    """Bad input: names the key, the value, the limit and the likely cause."""

    exit_code = 2

    def __init__(self, message: str, *, key: str = "") -> None:
        super().__init__(f"{key}: {message}" if key else message)
        self.key = key


class RunError(Ntn6gError):
    """A run that started and could not be finished; what was computed before is kept."""


class ScenarioWarning(UserWarning):
    """Input that is allowed and likely not meant; one line, printed and kept out of results."""
