"""A headless Chromium driven over its DevTools protocol, for the tests of pages."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-port=0",
]  # fmt: skip


def find_chromium():
    """Return the path of a Chromium, or None."""
    named = os.environ.get("CHROMIUM")
    for name in (named, "chromium", "chromium-browser", "google-chrome"):
        if name and shutil.which(name):
            return shutil.which(name)
    return None


class Socket:
    """A WebSocket client for text messages (RFC 6455), enough for DevTools."""

    def __init__(self, url, timeout=60):
        host, _, path = url.removeprefix("ws://").partition("/")
        name, _, port = host.partition(":")
        self.socket = socket.create_connection((name, int(port)), timeout=timeout)
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self.socket.sendall(head.encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.socket.recv(4096)
        answer, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        if b" 101 " not in answer.split(b"\r\n")[0]:
            raise ConnectionError(answer.decode())

    def _take(self, count):
        parts, have = [self.buffer], len(self.buffer)
        while have < count:
            part = self.socket.recv(1 << 20)
            if not part:
                raise ConnectionError("the browser closed the connection")
            parts.append(part)
            have += len(part)
        data = b"".join(parts)
        self.buffer = data[count:]
        return data[:count]

    def send(self, text):
        data = text.encode()
        size = len(data)
        head = b"\x81" + (
            bytes([0x80 | size]) if size < 126
            else b"\xfe" + struct.pack(">H", size) if size < 65536
            else b"\xff" + struct.pack(">Q", size)
        )  # fmt: skip
        # The mask of zeros is a valid mask and leaves the payload as it is.
        self.socket.sendall(head + b"\0\0\0\0" + data)

    def receive(self):
        whole = b""
        while True:
            first, second = self._take(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack(">H", self._take(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", self._take(8))
            whole += self._take(size)
            if first & 0x80:
                return whole.decode()

    def close(self):
        self.socket.close()


class Chromium:
    """One browser process; pages are opened with :meth:`open`."""

    def __init__(self, path):
        self.profile = tempfile.mkdtemp(prefix="calib-chromium-")
        self.process = subprocess.Popen(
            [path, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        told = Path(self.profile) / "DevToolsActivePort"
        for _ in range(600):
            if told.exists() and told.read_text().count("\n"):
                break
            if self.process.poll() is not None:
                raise RuntimeError(f"{path} ended at once with code {self.process.returncode}")
            time.sleep(0.05)
        self.pages = []
        self.port = int(told.read_text().split()[0])

    def open(self, target, *, width=1280, height=900, dark=False, script=""):
        """Open a file or address and wait until it has loaded."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/json/new?about:blank", method="PUT"
        )
        with urllib.request.urlopen(request) as answer:
            page = Page(json.load(answer)["webSocketDebuggerUrl"])
        self.pages.append(page)
        page.prepare(width, height, dark, script)
        page.go(target if "://" in str(target) else Path(target).resolve().as_uri())
        return page

    def close_pages(self):
        """Close the connections to all pages opened so far."""
        while self.pages:
            self.pages.pop().close()

    def close(self):
        self.close_pages()
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.profile, ignore_errors=True)


class Page:
    """A page: evaluate scripts, press keys, take screenshots, list requests and errors."""

    def __init__(self, url):
        self.socket = Socket(url)
        self.count = 0
        self.requests = []
        self.errors = []
        self.loaded = False

    def call(self, method, **params):
        self.count += 1
        number = self.count
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.receive())
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self._note(message)

    def _note(self, message):
        method, params = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"])[:2000])
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])

    def prepare(self, width, height, dark, script):
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.resize(width, height)
        scheme = "dark" if dark else "light"
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)
        if script:
            self.call("Page.addScriptToEvaluateOnNewDocument", source=script)

    def resize(self, width, height):
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip

    def go(self, url):
        self.loaded = False
        self.call("Page.navigate", url=url)
        while not self.loaded:
            self._note(json.loads(self.socket.receive()))

    def run(self, script):
        """Return the value of a JavaScript expression; promises are awaited."""
        result = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:2000])
        return result["result"].get("value")

    def key(self, key, code=0, text=""):
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key,
                windowsVirtualKeyCode=code, text=text if kind == "keyDown" else "",
            )  # fmt: skip

    def screenshot(self, path, *, full=True):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=full)
        Path(path).write_bytes(base64.b64decode(data["data"]))
        return path

    def close(self):
        self.call("Page.close")
        self.socket.close()
