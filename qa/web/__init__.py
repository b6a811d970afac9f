"""The faces with an address: the chat in the browser and the server around it.

Nothing heavy is imported here; `chat` is the only module that imports gradio.
"""
