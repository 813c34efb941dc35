"""Embedding Workbench: embeddings and vector search, measured honestly.

The rooms, in the order that data flows. A room imports only from rooms above it; a test walks the imports.
There are no re-exports here: write ``from workbench import corpora, embed, geometry``.

    errors      what can go wrong, said once: what, the offending value, the fix
    settings    where data, caches and results live
    atomic      output files that appear whole or not at all
    markup      text from anywhere into HTML, as text
    callbacks   errors inside widget callbacks: shown, recorded, never swallowed
    keys        keys that are pressed in a widget stay in it
    records     the frozen records that cross rooms: Corpus, Vectors, Neighbours, ModelIdentity
    intervals   how sure a number is: bootstrap and Wilson intervals
    corpora     what goes in: built-in corpora and the person's own files
    embed       text -> Vectors: encoders, words, layers, fine-tuning, the bundled model, the vector cache
    geometry    metrics, exact neighbours, hubs, maps and how far to trust them, analogies and directions of words
    ann         approximate search and its honest measurement
    vectordb    one Collection: embedded Qdrant by default, a server or a cluster by URL; filtered search measured
    tasks       search and its evaluation, RAG, duplicates, anomalies, hard negatives, which metric, senses told apart
    interview   predict-then-reveal cards
    view        figures (tables in, plotly out) and widgets (controls -> room -> figure)
    lab         JupyterLab on the notebooks
    doctor      what this machine has, what is missing, how to get it
    cli         thin: arguments in, calls into the rooms, a report out
"""
