"""The assistant as an application: `python app.py` starts it; hosts of Gradio applications find `demo`."""

import sys
from functools import cache
from typing import Any

from qa.cli import main
from qa.config import Settings, seed_article


@cache
def _demo() -> Any:
    from qa import Assistant
    from qa.suggest import suggest_questions
    from qa.web.chat import build_chat

    assistant = Assistant.from_files([seed_article()], settings=Settings.from_environment())
    return build_chat(assistant, suggest=suggest_questions)


def __getattr__(name: str) -> Any:  # `demo` is made when it is asked for: that loads the models
    if name == "demo":
        return _demo()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    main(["serve", *sys.argv[1:]])
