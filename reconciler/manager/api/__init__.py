"""The Engine API of the built-in manager: HTTP on a unix socket, answers as engine 20.10.24 (API 1.41) gives them.

``http`` reads and writes messages, ``server`` keeps connections, ``router`` finds the handler, the handlers turn
a request into one call of ``reconciler.manager.control`` inside one transaction, ``render`` writes objects as JSON.
"""
