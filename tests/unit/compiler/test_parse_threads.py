"""Several stacks are compiled at once in one process; so also the very first texts that it reads."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys, threading
sys.setswitchinterval(1e-6)
from stackc.compile import compile_stack
from stackc.disk import MemoryReader
TEXT = "services:\\n" + "".join(f"  s{n}: {{image: 'a:1', environment: {{V: '{n}'}}}}\\n" for n in range(20))
bad = []
gate = threading.Barrier(6)
def work():
    gate.wait()
    for _ in range(20):
        compiled = compile_stack(["c.yaml"], MemoryReader({"c.yaml": TEXT.encode()}), stack="s", environment={})
        if compiled.plan is None:
            bad.append(compiled.diagnostics[0].message)
threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(bad)
"""


def test_the_first_texts_of_a_process_may_be_read_at_once() -> None:
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]", done.stdout
