"""The main job, live: four pushes to a git repository, one of them bad, with traffic going on all the time.

    python -m examples.hello

Nothing is needed but Python and git: the built-in manager runs the tasks as processes. Exit code 1 when a
single request failed or anything else was not as it should be.
"""

from __future__ import annotations

import argparse
import signal
import sys

from examples.hello.demo import Demo, NotAsExpectedError
from examples.hello.screen import Screen


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.hello", description="git push to deploy, in a minute")
    parser.add_argument("--plain", action="store_true", help="plain lines also on a terminal")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the repository, states and logs")
    parser.add_argument("--host", help="deploy to this manager, such as a swarm's, instead of one of the demo's own")
    parser.add_argument("--no-traffic", action="store_true", help="send no requests")
    args = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # end as with Ctrl-C: what was started is stopped
    screen = Screen(live=sys.stdout.isatty() and not args.plain)
    try:
        with Demo(screen, keep=args.keep, host=args.host, traffic=not args.no_traffic) as demo:
            demo.run()
    except NotAsExpectedError as problem:
        screen.say(f"NOT AS EXPECTED: {problem}", style="bold red")
        return 1
    except KeyboardInterrupt:
        screen.say("interrupted; everything that was started has been stopped")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
