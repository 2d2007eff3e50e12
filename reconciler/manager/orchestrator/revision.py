"""What writing to a service does to the service object, before the orchestrator looks at it.

Every accepted update counts as one, an identical one too: what was current becomes the previous spec, and the status
of the last update is cleared. In the middle of a rollout that leaves nothing good to roll back to.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.manager.model import Json, Service, UpdateStatus


def revise(service: Service, spec: Json, *, version: int, now: float) -> Service:
    """The service after an update to ``spec``, written at index ``version``."""
    return replace(
        service,
        spec=spec,
        spec_version=version,
        version=version,
        previous_spec=service.spec,
        previous_spec_version=service.spec_version,
        update_status=None,
        updated_at=now,
    )


def revert(service: Service, *, version: int, now: float) -> Service | None:
    """The service after ``rollback=previous``; None if it has no previous spec.

    The specs change places, with their versions, so that rolling back twice returns to where one was.
    """
    if service.previous_spec is None or service.previous_spec_version is None:
        return None
    return replace(
        service,
        spec=service.previous_spec,
        spec_version=service.previous_spec_version,
        version=version,
        previous_spec=service.spec,
        previous_spec_version=service.spec_version,
        update_status=UpdateStatus(state="rollback_started", started_at=now, message="manually requested rollback"),
        updated_at=now,
    )
