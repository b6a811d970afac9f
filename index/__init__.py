"""Documents in, ranked passages out: everything that happens before a question is read, and the look-up itself.

    types, errors  <-  load, chunk, embed, vectors, lexical  <-  store  <-  build, retrieve

Nothing here imports `qa`, and importing `index` loads no model runtime: each heavy library lives in one module and is
loaded when it is first needed.
"""
