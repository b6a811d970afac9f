"""The assistant as an application: `python app.py` starts it; hosts of Gradio applications find `demo`."""

import sys
from typing import Any

from qa.cli import main


def __getattr__(name: str) -> Any:
    if name != "demo":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from qa.web.server import demo  # made when asked for: it loads the models

    return demo()


if __name__ == "__main__":
    main(["serve", *sys.argv[1:]])
