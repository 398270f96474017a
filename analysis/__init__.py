"""One script a claim or figure of the paper: load, compute, draw."""

from cmarlsim.terminal.interrupt import end_at_once_if_run

end_at_once_if_run(__name__)
