"""What may be asked of the state, and what becomes of it: pure functions over a ``State``, in SwarmKit's terms.

Each takes a state and a body that was read by its shape, and returns the new object, or raises ``Refused`` with
the engine's status code and text.
"""
