"""Where the built-in manager differs from Swarm by design.

``BY_DESIGN``: the test's name (a pattern) and the reason; such a test is expected to fail on the built-in manager, and
it is an error when it passes.

Smaller differences stand in the tests themselves, as the set of answers that both may give:

* a config that a task needs and that is gone: Swarm notices when the container starts (`failed`), the built-in manager
  when it prepares the task (`rejected`);
* a program that is not there: the same two states; the text names the program in both;
* `absent/none:v1`: «No such image» there, no engine to run it here; `rejected` in both.
"""

BY_DESIGN: dict[str, str] = {
    r"test_a_job_runs_once\[builtin\]": "job modes are refused with a reason (501): services are replicated or global",
}
