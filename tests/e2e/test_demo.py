"""`weir up --demo` as a newcomer meets it."""
import re
import signal
import subprocess

from harness import PROGRAM, Process, free_port, remove, scratch, wait_for


def test_the_demo_prints_a_curl_line_that_works_and_ctrl_c_stops_all_of_it():
    folder = scratch("demo")
    arguments = [PROGRAM, "up", "--demo", "--data-dir", folder / "data", "--api-listen", f"127.0.0.1:{free_port()}", "--ops-listen",
                 f"127.0.0.1:{free_port()}"]
    try:
        for run in range(2):  # the second start finds the demonstration as the first left it
            log = folder / f"demo{run}.log"
            demo = Process(arguments, log)
            try:
                line = wait_for(lambda: re.search(r"^\s*(curl .*)$", log.read_text(), re.M), "a curl line", 30).group(1)
                answers = {subprocess.run(line.split(), capture_output=True, text=True, timeout=20, check=True).stdout for _ in range(12)}
                assert len(answers) == 3, answers
                assert str(folder / "data" / "credentials.json") in log.read_text()
                demo.signal(signal.SIGINT)
                assert demo.child.wait(20) == 0
            finally:
                demo.kill()
                print(demo.tail())
            gone = subprocess.run(line.split(), capture_output=True, timeout=20)
            assert gone.returncode == 7, "nothing listens after Ctrl-C"
    finally:
        remove(folder)
