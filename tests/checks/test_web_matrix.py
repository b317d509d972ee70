"""Every way in which a client's value enters, against every place that runs what it is given; and the same with the value restricted."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import indent

import pytest

HEAD = """import asyncio, io, json, os, pickle, re, subprocess
import jinja2, jsonpickle, pandas, sqlalchemy
from sqlalchemy import text
ALLOWED = {"a", "b"}
"""

# name -> (file's head, the function's header, what gives `value`)
SOURCES = {
    "FastAPI path": ("from fastapi import FastAPI\napp = FastAPI()", "@app.get('/{name}')\ndef handle(name: str, cursor):", "name"),
    "FastAPI body": (
        "from fastapi import APIRouter\nfrom pydantic import BaseModel\nrouter = APIRouter()\nclass Order(BaseModel):\n    note: str",
        "@router.post('/')\nasync def handle(order: Order, cursor):",
        "order.note",
    ),
    "FastAPI form": (
        "from fastapi import FastAPI, Form\napp = FastAPI()",
        "@app.post('/')\ndef handle(cursor, note: str = Form(...)):",
        "note",
    ),
    "FastAPI upload": (
        "from fastapi import FastAPI, UploadFile\napp = FastAPI()",
        "@app.post('/')\nasync def handle(up: UploadFile, cursor):",
        "await up.read()",
    ),
    "FastAPI dependency": (
        "from fastapi import Depends, FastAPI\napp = FastAPI()\ndef term(q: str = ''):\n    return q.strip()",
        "@app.get('/')\ndef handle(cursor, q=Depends(term)):",
        "q",
    ),
    "Starlette": (
        "from starlette.requests import Request",
        "async def handle(request: Request, cursor):",
        "(await request.json())['note']",
    ),
    "Litestar": ("from litestar import post", "@post('/{name:str}')\nasync def handle(name: str, cursor: object) -> None:", "name"),
    "Flask query": ("from flask import Flask, request\napp = Flask(__name__)", "@app.get('/')\ndef handle():", "request.args.get('q', '')"),
    "Flask path": ("from flask import Flask\napp = Flask(__name__)", "@app.route('/<name>')\ndef handle(name):", "name"),
    "Quart": (
        "from quart import Quart, request\napp = Quart(__name__)",
        "@app.post('/')\nasync def handle():",
        "(await request.get_json())['q']",
    ),
    "Sanic": ("from sanic import Sanic\napp = Sanic('a')", "@app.get('/<name>')\nasync def handle(request, name):", "name"),
    "aiohttp": ("from aiohttp import web", "async def handle(request: web.Request):", "request.match_info['name']"),
    "Django query": ("from django.http import HttpResponse", "def handle(request):", "request.GET.get('q')"),
    "Django path": ("from django.http import HttpRequest", "def handle(request: HttpRequest, slug):", "slug"),
    "DRF": (
        "from rest_framework import serializers\nfrom rest_framework.decorators import api_view\nclass S(serializers.Serializer):\n    note = serializers.CharField()",
        "@api_view(['POST'])\ndef handle(request):\n    serializer = S(data=request.data)\n    serializer.is_valid(raise_exception=True)",
        "serializer.validated_data['note']",
    ),
    "Ninja": ("from ninja import Router\nrouter = Router()", "@router.get('/')\ndef handle(request, q: str):", "q"),
    "Tornado": ("import tornado.web", "class Handler(tornado.web.RequestHandler):\n  def get(self):", "self.get_argument('q')"),
    "Falcon": ("import falcon", "class Things:\n  def on_get(self, req, resp):", "req.get_param('q')"),
    "Celery": ("from celery import shared_task", "@shared_task\ndef handle(name):", "name"),
    "Dramatiq": ("import dramatiq", "@dramatiq.actor\ndef handle(name):", "name"),
    "RQ": ("from rq.decorators import job", "@job('low')\ndef handle(name):", "name"),
    "Lambda": ("import boto3", "def lambda_handler(event, context):", "event['queryStringParameters']['q']"),
    "Lambda body": ("import boto3", "def lambda_handler(event, context):\n    sent = json.loads(event['body'])", "sent['q']"),
    "Azure": ("import azure.functions as func", "def main(req: func.HttpRequest) -> func.HttpResponse:", "req.params.get('q')"),
    "Google": ("import functions_framework", "@functions_framework.http\ndef handle(request):", "request.args['q']"),
    "gRPC": (
        "import grpc\nimport a_pb2_grpc",
        "class Greeter(a_pb2_grpc.GreeterServicer):\n  def Hello(self, request, context):",
        "request.name",
    ),
    "websocket": (
        "from fastapi import FastAPI, WebSocket\napp = FastAPI()",
        "@app.websocket('/')\nasync def handle(ws: WebSocket):",
        "await ws.receive_text()",
    ),
    "Kafka": ("from kafka import KafkaConsumer", "def handle():\n  for message in KafkaConsumer('orders'):", "message.value"),
    "header": ("from flask import request", "def handle():", "request.headers['X-Name']"),
    "cookie": ("from flask import request", "def handle():", "request.cookies.get('name')"),
}

# name -> (code, statement before it)
SINKS = {
    "cursor.execute": ("PRD461", "cursor.execute(f\"SELECT id FROM things WHERE name = '{value}'\")"),
    "text": ("PRD461", "session.execute(text('SELECT id FROM things WHERE name = ' + value))"),
    "fetch": ("PRD461", "pool.fetch('SELECT id FROM things WHERE name = %s' % value)"),
    "os.system": ("PRD462", "os.system('convert ' + value)"),
    "shell": ("PRD462", "subprocess.run(value, shell=True, check=True)"),
    "eval": ("PRD462", "eval(value)"),
    "pickle": ("PRD462", "pickle.loads(value)"),
    "frame": ("PRD462", "pandas.read_pickle(io.BytesIO(value))"),
    "template": ("PRD462", "jinja2.Template('<b>' + value).render()"),
}

RESTRICTED = {
    "converted": "value = int({source})",
    "checked": "value = {source}\nif value not in ALLOWED:\n    raise ValueError(value)",
    "constant": "sent = {source}\nvalue = 'a' if sent else 'b'",
}


def written(source: str, sink: str, given: str) -> str:
    """A file with a handler in which the source's value reaches the sink."""
    head, header, expression = SOURCES[source]
    depth = max(len(line) - len(line.lstrip()) for line in header.splitlines() if line.rstrip().endswith(":")) + 4
    body = given.format(source=expression) + "\n" + SINKS[sink][1]
    return f"{HEAD}{head}\n{header}\n{indent(body, ' ' * max(depth, 4))}\n"


def found(prodlint: Callable[..., object], project: Callable[..., object], files: dict[str, str]) -> set[str]:
    """The files in which the sink's rule speaks."""
    root = project(files)
    ran = prodlint(
        "check", "--isolated", "--no-cache", "--exit-zero", "--select", "PRD461,PRD462", "--output-format", "concise", ".", cwd=root
    )
    return {line.split(":", 1)[0].removeprefix("./") for line in ran.out.splitlines() if "PRD46" in line}  # type: ignore[attr-defined]


def names() -> list[tuple[str, str]]:
    return [(source, sink) for source in SOURCES for sink in SINKS]


def test_every_way_in_reaches_every_place_that_runs_it(prodlint: Callable[..., object], project: Callable[..., object]) -> None:
    pairs = names()
    files = {f"app/m{index}.py": written(source, sink, "value = {source}") for index, (source, sink) in enumerate(pairs)}
    spoken = found(prodlint, project, files)
    missed = [pair for index, pair in enumerate(pairs) if f"app/m{index}.py" not in spoken]
    assert len(pairs) >= 135
    assert missed == []


@pytest.mark.parametrize("kind", RESTRICTED)
def test_what_was_restricted_is_let_through(kind: str, prodlint: Callable[..., object], project: Callable[..., object]) -> None:
    pairs = names()
    files = {f"app/m{index}.py": written(source, sink, RESTRICTED[kind]) for index, (source, sink) in enumerate(pairs)}
    spoken = found(prodlint, project, files)
    assert [pair for index, pair in enumerate(pairs) if f"app/m{index}.py" in spoken] == []
