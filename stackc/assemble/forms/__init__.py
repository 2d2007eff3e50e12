"""What brings a short form to the long one: for each dialect a function by the name in the table's column ``short``.

A dialect that has no function of a name leaves such values as they are. The canonical shapes, which ``merge``,
``lower`` and ``stackc config`` rely on:

* command, entrypoint and a health check's test are lists of strings; expose, dns, tmpfs, group_add and the like too
* labels, sysctls, driver_opts, logging.options, annotations, storage_opt: mappings of strings; environment and
  build.args: mappings of strings or null (nothing is given); extra_hosts: a list of ``host:address``
* durations are nanoseconds, sizes bytes, file modes numbers; ``cpus`` is the number as text; a number of devices is
  -1 for all
* ports, volumes, configs, secrets, devices, gpus and env_file are lists of mappings; networks (null or a mapping for
  each), depends_on, models and ulimits (``single``, or ``soft`` and ``hard``) are mappings
* ports of a stack file have ``published`` as a number, and no ``host_ip``; those of a Compose file have it as text,
  which may be a range
* paths of this machine are absolute, ``~`` is the home folder
* top-level objects are mappings; ``external`` is a boolean, and an external object has a ``name``
"""

from __future__ import annotations

from stackc.assemble.forms import mounts, objects, pairs, ports, service, values
from stackc.assemble.forms.values import Convert

STACK: dict[str, Convert] = {
    "words": values.stack_words,
    "text": values.text,
    "size": values.text,
    "cpus": values.text,
    "texts": values.texts,
    "strings": values.strings,
    "dns": values.strings,
    "pairs": pairs.pairs,
    "nullable_pairs": pairs.nullable_pairs,
    "environment": values.keep,
    "env_file": service.stack_env_files,
    "duration": values.stack_duration,
    "bytes": values.size_in_bytes,
    "whole": values.whole,
    "integer": values.stack_integer,
    "mode": values.stack_mode,
    "test": values.test,
    "hosts": pairs.stack_hosts,
    "ulimit": service.ulimit,
    "networks": service.networks,
    "ports": ports.stack_ports,
    "volumes": mounts.stack_volumes,
    "file_refs": mounts.stack_file_refs,
    "depends_on": service.depends_on,
    "build": service.build,
    "object": objects.stack_object,
}

COMPOSE: dict[str, Convert] = {
    **STACK,
    "words": values.compose_words,
    "size": values.size_in_bytes,
    "swap": values.swap,
    "cpus": values.cpus,
    "dns": values.strings_given,
    "environment": pairs.compose_environment,
    "env_file": service.compose_env_files,
    "duration": values.compose_duration,
    "mode": values.mode,
    "integer": values.integer,
    "path": values.path_of,
    "context": values.context_path,
    "host_path": mounts.file_path,
    "key_values": pairs.key_values,
    "value_lists": pairs.value_lists,
    "hosts": pairs.compose_hosts,
    "ports": ports.compose_ports,
    "volumes": mounts.compose_volumes,
    "devices": mounts.devices,
    "gpus": service.gpus,
    "request": service.request,
    "count": service.count,
    "models": service.models,
    "build": service.compose_build,
    "ssh": service.ssh,
    "pull_policy": service.pull_policy,
    "object": objects.compose_object,
}
