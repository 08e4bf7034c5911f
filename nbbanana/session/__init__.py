"""What a user holds: the session, its jobs, results and outputs, and the history that remembers them."""

from nbbanana.session.history import History
from nbbanana.session.jobs import Job
from nbbanana.session.results import EditResult, Output, ResultSet
from nbbanana.session.session import Session, current, use

__all__ = ["EditResult", "History", "Job", "Output", "ResultSet", "Session", "current", "use"]
