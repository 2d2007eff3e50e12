"""A bad secret and its fix of the same length: the digests are equal, the plans are not."""

from __future__ import annotations

from reconciler_process import Site, stack_file

CHECKED = """\
    secrets: [token]
secrets:
  token: {file: ./token.txt}
"""


def stack() -> str:
    """The task lives as long as its secret says "good"."""
    text = stack_file("1").replace('["sleep", "600"]', '["sh", "-c", \'grep -q good run/secrets/token && sleep 600\']')
    return text + CHECKED


def test_a_fix_of_the_same_length_is_deployed(site: Site) -> None:
    (site.work / "token.txt").write_text("good-1")
    site.git("add", "token.txt")
    good = site.push(stack())
    site.start()
    site.wait_ready(good)
    (site.work / "token.txt").write_text("evil-2")
    bad = site.push(stack() + "# 2\n") if site.git("add", "token.txt") == "" else ""
    site.wait_reason("Quarantined", bad)
    (site.work / "token.txt").write_text("good-3")
    fix = site.push(stack() + "# 3\n") if site.git("add", "token.txt") == "" else ""
    site.wait_ready(fix)
    attempts = site.history().attempts
    assert len({a.digest for a in attempts}) == 1
    assert [a.phase for a in attempts] == ["applied", "rolled-back", "applied"]
