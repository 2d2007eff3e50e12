"""Keys that are known but refused, and what to do instead. ``*`` stands for the name of a service or object."""

from __future__ import annotations

FORBIDDEN = {
    "services.*.extends": "write the service out, or give a second file with -c",
    "services.*.volume_driver": "set `driver:` of the volume under the top-level `volumes:`",
    "services.*.volumes_from": "declare a volume under the top-level `volumes:` and mount it in both services",
    "services.*.cpu_quota": "use deploy.resources",
    "services.*.cpu_shares": "use deploy.resources",
    "services.*.cpuset": "use deploy.resources",
    "services.*.mem_limit": "use deploy.resources",
    "services.*.memswap_limit": "use deploy.resources",
}
"""Stack dialect: docker refuses the whole file for these."""

_NO_FIELD = "remove it; Swarm has no such setting"

INEXPRESSIBLE = {
    "services.*.blkio_config": _NO_FIELD,
    "services.*.cgroup": _NO_FIELD,
    "services.*.cgroup_parent": _NO_FIELD,
    "services.*.cgroupns_mode": _NO_FIELD,
    "services.*.cpu_count": "use deploy.resources",
    "services.*.cpu_percent": "use deploy.resources",
    "services.*.cpu_rt_period": _NO_FIELD,
    "services.*.cpu_rt_runtime": _NO_FIELD,
    "services.*.cpu_shares": "use deploy.resources",
    "services.*.cpuset": "use deploy.resources",
    "services.*.device_cgroup_rules": _NO_FIELD,
    "services.*.devices": "use generic resources and the default runtime of the node",
    "services.*.gpus": "use generic resources and the default runtime of the node",
    "services.*.ipc": _NO_FIELD,
    "services.*.oom_kill_disable": _NO_FIELD,
    "services.*.pid": _NO_FIELD,
    "services.*.privileged": "Swarm services cannot be privileged: use cap_add",
    "services.*.runtime": "set the default runtime of the node",
    "services.*.storage_opt": _NO_FIELD,
    "services.*.use_api_socket": _NO_FIELD,
    "services.*.userns_mode": _NO_FIELD,
    "services.*.uts": _NO_FIELD,
    "services.*.volumes_from": "declare a volume under the top-level `volumes:` and mount it in both services",
    "services.*.volumes.image": _NO_FIELD,
    "services.*.deploy.resources.reservations.devices": "use generic_resources",
}
"""No field of a Swarm service holds them, and dropping them could harm."""

NOT_YET = {
    "include": "", "models": "",
    **{f"services.*.{key}": "" for key in (
        "annotations", "attach", "cpu_period", "cpu_quota", "cpus", "develop", "extends", "label_file", "mem_limit",
        "mem_reservation", "mem_swappiness", "memswap_limit", "models", "network_mode", "oom_score_adj", "pids_limit",
        "platform", "post_start", "pre_start", "pre_stop", "profiles", "provider", "pull_policy", "pull_refresh_after",
        "security_opt", "shm_size", "tmpfs", "scale", "group_add", "dns_opt",
        "networks.link_local_ips", "networks.gw_priority", "networks.interface_name", "networks.priority",
        "networks.mac_address", "volumes.bind.recursive", "ports.host_ip", "ports.name", "ports.app_protocol",
        "depends_on.condition",
    )},
    "networks.*.enable_ipv4": "", "networks.*.enable_ipv6": "", "networks.*.ipam.options": "",
    "networks.*.ipam.config.gateway": "", "networks.*.ipam.config.ip_range": "",
    "networks.*.ipam.config.aux_addresses": "",
    "configs.*.content": "", "configs.*.environment": "", "secrets.*.environment": "", "name": "",
    "volumes.*.x-cluster-spec": "",
}  # fmt: skip
"""Keys of the Compose Specification that this version refuses rather than drops."""
