"""A minimal editor: opens two documents and prints what the server says about them."""

import json
import subprocess
import sys

server = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
numbers = iter(range(1, 100))

WRONG = """func.func @f(%x: tensor<4xf32>) -> tensor<5xf32> {
  // The sizes differ.
  %0 = mopt.binary <add> %x, %x : tensor<4xf32>, tensor<4xf32> -> tensor<5xf32>
  return %0 : tensor<5xf32>
}
"""
RIGHT = """func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mopt.unary <exp> %x : tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""


def send(method, params, number=None):
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    if number is not None:
        message["id"] = number
    text = json.dumps(message).encode()
    server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(text) + text)
    server.stdin.flush()


def receive():
    length = 0
    while True:
        line = server.stdout.readline().strip()
        if not line:
            break
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(server.stdout.read(length))


def request(method, params):
    number = next(numbers)
    send(method, params, number)
    while True:
        message = receive()
        if message.get("id") == number:
            return message.get("result")


def open_document(uri, text):
    send("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "mlir",
                                                   "version": 1, "text": text}})
    while True:
        message = receive()
        if message.get("method") == "textDocument/publishDiagnostics":
            return message["params"]["diagnostics"]


capabilities = request("initialize", {"processId": None, "rootUri": None, "capabilities": {},
                                      "trace": "off"})["capabilities"]
print("capabilities:", *[name for name in ("definitionProvider", "hoverProvider")
                         if capabilities.get(name)])
send("initialized", {})
for diagnostic in open_document("file:///wrong.mlir", WRONG):
    print(f"line {diagnostic['range']['start']['line']}: {diagnostic['message']}")
print("mistakes in the right one:", len(open_document("file:///right.mlir", RIGHT)))
hover = request("textDocument/hover", {"textDocument": {"uri": "file:///right.mlir"},
                                       "position": {"line": 1, "character": 9}})
print("hover:", hover["contents"]["value"].replace("\n", " "))
request("shutdown", None)
send("exit", None)
print("exit code", server.wait(timeout=30))
