"""Plays @felores/kie-ai-mcp-server as an MCP host does, over stdio. Arguments: the server's file."""

import base64
import json
import subprocess
import sys
from typing import Any

PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f00010501012718e366"
        "0000000049454e44ae426082"
    )
).decode()
SOURCE = "the uploaded file"
PROMPT = {"prompt": "a quiet river"}
WIDE = {**PROMPT, "aspect_ratio": "16:9"}
SONG = {"customMode": True, "instrumental": False, "style": "folk", "title": "Quiet Rivers", "model": "V5"}
ORDERS: list[tuple[str, dict[str, Any]]] = [
    ("bytedance_seedream_image", {**WIDE, "version": "5-lite"}),
    ("bytedance_seedream_image", {**WIDE, "version": "5-pro", "quality": "high"}),
    ("bytedance_seedream_image", {**PROMPT, "version": "4", "image_size": "landscape_16_9", "image_resolution": "2K"}),
    ("bytedance_seedream_image", {**PROMPT, "version": "4", "image_urls": [SOURCE]}),
    ("nano_banana_image", WIDE),
    ("z_image", WIDE),
    ("flux_kontext_image", {**PROMPT, "aspectRatio": "16:9"}),
    ("suno_generate_music", {"prompt": "quiet rivers", **SONG}),
]
server = subprocess.Popen(["node", sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
count = 0


def send(message: dict[str, Any]) -> None:
    assert server.stdin is not None
    server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    server.stdin.flush()


def request(method: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a request; approve whatever the server asks its host in the meantime."""
    global count
    count += 1
    send({"id": count, "method": method, "params": parameters})
    assert server.stdout is not None
    for line in server.stdout:
        message = json.loads(line)
        if message.get("method") == "elicitation/create":
            asked = message["params"]["requestedSchema"]["properties"]
            content = {name: rule.get("type") == "boolean" or rule.get("enum", [""])[0] for name, rule in asked.items()}
            send({"id": message["id"], "result": {"action": "accept", "content": content}})
        elif message.get("id") == count and "method" not in message:
            assert "error" not in message, message
            return dict(message["result"])
    raise AssertionError("the server has ended")


def call(tool: str, arguments: dict[str, Any]) -> Any:
    result = request("tools/call", {"name": tool, "arguments": arguments})
    assert not result.get("isError"), result
    return result.get("structuredContent") or json.loads(result["content"][0]["text"])


hello = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"elicitation": {}},
    "clientInfo": {"name": "a host", "version": "1"},
}
request("initialize", hello)
send({"method": "notifications/initialized"})
stored = call("upload_file", {"file_base64": f"data:image/png;base64,{PIXEL}", "file_name": "pixel.png"})
source = stored["download_url"]
report: dict[str, Any] = {"uploaded": source, "tasks": []}
for tool, arguments in ORDERS:
    given = {key: [source] if value == [SOURCE] else value for key, value in arguments.items()}
    plan = call("prepare_media_generation", {"items": [{"tool": tool, "args": given}]})
    submitted = call("submit_media_generation", {"planId": plan["plan_id"]})
    (task,) = submitted["results"]
    call("wait_for_task", {"task_id": task["taskId"], "timeout_seconds": 20, "interval_seconds": 1})
    status = request("tools/call", {"name": "get_task_status", "arguments": {"task_id": task["taskId"]}})
    report["tasks"].append({"tool": tool, "status": status["content"][0]["text"]})
print(json.dumps(report))
server.kill()
