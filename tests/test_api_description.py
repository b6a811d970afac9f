"""The API against its own description: requests made from it are answered as it says, valid ones and others."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS
from scripted_server import Serving

from qa.config import Settings
from qa.web.api import BASE, mount_api
from qa.web.services import Services

pytestmark = pytest.mark.slow

# A citation's numbers have to fit each other, which no schema can say; keys are asked for before this application.
LEFT_OUT = ["positive_data_acceptance", "ignored_auth", "use_after_free", "ensure_resource_availability"]
app = FastAPI()
mount_api(app, Services(Serving(), Settings(rate="off", corrections=Path(tempfile.mkdtemp()) / "questions.jsonl")))
described = schemathesis.openapi.from_asgi(f"{BASE}/openapi.json", app)


@described.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_answers_as_described(case):
    left_out = LEFT_OUT if case.path in ("/verify", "/feedback") else LEFT_OUT[1:]
    case.call_and_validate(excluded_checks=CHECKS.get_by_names(left_out))
