#!/usr/bin/python3
"""A server of objects that misbehaves as it is told.

	fault-server.py DIR [--tls CERTIFICATE KEY [AUTHORITY]]

keeps the objects of PUT in DIR, listens on a free port of 127.0.0.1, prints the port, and logs each
request in DIR/log, as "METHOD PATH". The first component of a path says what happens, with values after "=":

	/ok/...           nothing: GET and PUT work
	/status=N/...     the status N, to everything
	/get-status=N/... to GET
	/put-status=N/... to PUT
	/delay=MS/...     the answer begins after so many milliseconds
	/cut=N/...        the connection is closed after N bytes of the object
	/reset/...        it is closed before anything was answered
	/flip=N/...       the lowest bit of byte N is the other one
	/endless/...      the object does not end
	/huge/...         Content-Length says 1 TB
	/drip=MS/...      a byte each MS milliseconds
	/stall=N/...      nothing comes after N bytes
	/swap/...         the object with the next number (the last digit plus 1)
	/redirect=URL/... to URL, in which "_" stands for "/"; "/path" is added
	/garbage/...      what is not HTTP
	/basic/...        401, unless the request has the user "user" and the password "secret"
	/sigv4/...        403, unless the request has the signature of S3 by KEY and SECRET
"""
import hashlib
import hmac
import os
import re
import socket
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

root = os.path.abspath(sys.argv[1])
log_lock = threading.Lock()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 200


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else each answer waits for the other side to acknowledge its headers.
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *args):
        pass

    def split(self):
        fault, path = self.path[1:].split("/", 1)
        name, _, value = fault.partition("=")
        if not re.fullmatch(r"(ac|cas)/[0-9a-f]{64}", path):
            raise ValueError(path)
        with log_lock, open(os.path.join(root, "log"), "a") as log:
            log.write(f"{self.command} {self.path}\n")
        return name, value, path

    def is_signed(self):
        """Signature version 4 of AWS, as S3 documents it, without a query and with an unsigned payload."""
        try:
            fields = dict(f.strip(" ,").split("=", 1) for f in self.headers["Authorization"].split(" ")[1:])
            scope = fields["Credential"].split("/", 1)[1]
            signed = fields["SignedHeaders"].split(";")
            date = self.headers["x-amz-date"]
        except (AttributeError, KeyError, ValueError):
            return False
        if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(signed):
            return False
        request = "\n".join([self.command, self.path, ""] + [f"{name}:{self.headers[name].strip()}" for name in signed] +
                            ["", ";".join(signed), "UNSIGNED-PAYLOAD"])
        text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(request.encode()).hexdigest()])
        key = b"AWS4SECRET"
        for part in scope.split("/") + [text]:
            key = hmac.digest(key, part.encode(), "sha256")
        return fields["Credential"].startswith("KEY/") and key.hex() == fields["Signature"]

    def status(self, code, body=b"an answer of the server\n", **headers):
        self.send_response(code)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def close(self):
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def object_begins(self, size):
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.flush()

    def flows(self, chunks, pause=0):
        for chunk in chunks:
            self.wfile.write(chunk)
            self.wfile.flush()
            time.sleep(pause)

    def fails(self, name, value, path):
        """Does what is wrong for GET and PUT alike; returns whether it was that."""
        if name == "delay":
            time.sleep(int(value) / 1000)
        elif name == "status" or name == self.command.lower() + "-status":
            self.status(int(value))
            return True
        elif name == "reset":
            self.close()
            return True
        elif name == "basic" and self.headers["Authorization"] != "Basic dXNlcjpzZWNyZXQ=":
            self.status(401)
            return True
        elif name == "sigv4" and not self.is_signed():
            self.status(403)
            return True
        elif name == "redirect":
            self.status(307, Location=value.replace("_", "/") + "/" + path)
            return True
        elif name == "garbage":
            self.wfile.write(b"\0\1garbage\r\n\r\n" * 100)
            self.close()
            return True
        return False

    def do_GET(self):
        name, value, path = self.split()
        if self.fails(name, value, path):
            return
        if name == "swap":
            path = path[:-1] + str(int(path[-1]) + 1)
        try:
            with open(os.path.join(root, path), "rb") as f:
                body = f.read()
        except FileNotFoundError:
            self.status(404)
            return
        if name == "flip":
            n = int(value)
            body = body[:n] + bytes([body[n] ^ 1]) + body[n + 1:]
        if name == "endless":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.flows(iter(lambda: b"x" * 65536, None))
        elif name == "huge":
            self.object_begins(10**12)
            self.flows(iter(lambda: b"x" * 65536, None))
        elif name == "cut":
            self.object_begins(len(body))
            self.flows([body[:int(value)]])
            self.close()
        elif name == "drip":
            self.object_begins(len(body))
            self.flows((body[i:i + 1] for i in range(len(body))), int(value) / 1000)
        elif name == "stall":
            self.object_begins(len(body))
            self.flows([body[:int(value)]])
            time.sleep(60)
        else:
            self.object_begins(len(body))
            self.flows([body])

    def do_PUT(self):
        name, value, path = self.split()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.fails(name, value, path):
            return
        if name == "stall":
            time.sleep(60)
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "wb") as f:
            f.write(body)
        self.status(201)


server = Server(("127.0.0.1", 0), Handler)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    if len(sys.argv) > 5:  # clients need a certificate of this authority
        context.load_verify_locations(sys.argv[5])
        context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)


try:
    server.serve_forever()
except KeyboardInterrupt:
    pass
