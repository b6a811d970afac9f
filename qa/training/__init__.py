"""The recipe that made the built-in readers: question sets → examples → training → quantised ONNX.

The only package besides the embedder and the hub reader that imports torch; nothing that answers questions imports it.
"""
