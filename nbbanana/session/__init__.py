"""What a user holds: the session, its jobs, results and outputs, and the history that remembers them."""

from nbbanana.session.history import History
from nbbanana.session.jobs import Job
from nbbanana.session.result_sets import ResultSet
from nbbanana.session.results import EditResult, Output
from nbbanana.session.session import Session, current, use

__all__ = ["EditResult", "History", "Job", "Output", "ResultSet", "Session", "current", "use"]
