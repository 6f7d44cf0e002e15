"""A farthingd for measuring, with its API: what the scripts of this folder have in common."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FIRST_MSISDN = 8619900000000  # of farthing-load's subscribers
CONNECTIONS = 16  # to the API, where much is asked of it


class ApiConnection(http.client.HTTPConnection):
    """HTTP over the server's API socket."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def ask(self, method, target, body=None):
        self.request(method, target, json.dumps(body) if body else None,
                     {"Content-Type": "application/json"})
        answer = self.getresponse()
        text = answer.read().decode()
        if answer.status >= 300:
            raise SystemExit(f"{method} {target}: {answer.status} {text}")
        return text


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Server:
    """farthingd with the demo's data, or a configuration; killed, as there is nothing to keep."""

    def __init__(self, build, folder, config=None):
        self.build = build
        self.folder = folder
        self.config = config
        self.start()

    def start(self):
        what = (["--config", self.config] if self.config else
                ["--demo", "--data", self.folder, "--port", "0"])
        self.process = subprocess.Popen(
            [os.path.join(self.build, "farthingd"), *what],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        ready = self.process.stdout.readline()
        found = re.match(r"ready diameter=(\S+) api=(\S+)", ready)
        if not found:
            raise SystemExit(f"farthingd did not start: {ready}")
        self.address, self.api = found.groups()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def run(self, program, *words, core=None, urgent=False):
        command = [] if core is None else ["taskset", "-c", str(core)]
        if urgent and os.geteuid() == 0:
            command += ["chrt", "-f", "10"]
        command += [os.path.join(self.build, program), *words]
        if program == "farthing":
            command += ["--api", self.api]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def load(self, *words, api=False, core=None, urgent=False):
        """What farthing-load says of one run; with the API it makes the subscribers and audits. Only
        on one core, if it is told so; urgent: before all others there, where that is allowed."""
        more = ["--api", self.api] if api else []
        return json.loads(self.run("farthing-load", "--json", "--connect", self.address,
                                   *map(str, words), *more, core=core, urgent=urgent))

    def metrics(self):
        """Every sample by its name, labels included."""
        text = ApiConnection(self.api).ask("GET", "/metrics")
        return {name: float(value) for name, value in
                re.findall(r"^(farthing_\S+) (\S+)$", text, re.M)}

    def for_each_subscriber(self, count, work):
        """work(api, msisdn) for all of them, on several connections."""
        def run(first):
            api = ApiConnection(self.api)
            for i in range(first, count, CONNECTIONS):
                work(api, FIRST_MSISDN + i)
        threads = [threading.Thread(target=run, args=(first,)) for first in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
