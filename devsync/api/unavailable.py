"""Why the API cannot do what it was asked. That a server is away is told by the exceptions that the product has for it:
`TemporalUnreachable`, `DatabaseUnavailable`, `ConfigError`."""


class DevSyncUnavailable(Exception):
    """The base of what is wrong with the API's own machinery; the message says what to do."""


class NoWorker(DevSyncUnavailable):
    """Temporal answers, and no worker of ours runs that could do what was asked."""


class NotInTime(DevSyncUnavailable):
    """The answer did not come in the time that the call may take."""


class Closed(DevSyncUnavailable):
    """The API was closed, or the program is ending."""


class AfterFork(DevSyncUnavailable):
    """This process was forked from one that had used the API: threads and connections stayed there."""


class CalledOff(DevSyncUnavailable):
    """Somebody has cancelled or terminated the recovery in Temporal."""
