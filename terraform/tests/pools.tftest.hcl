# The pools of nodes: each from zero, with the right account, metadata, driver, labels and taints.
mock_provider "google" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  project         = "my-project"
  billing_account = "012345-6789AB-CDEF01"
}

run "gpu_pools" {
  command = plan

  assert {
    condition     = toset([for name, pool in var.gpu_pools : local.machines[pool.machine_type].kind]) == toset(["nvidia-tesla-t4", "nvidia-l4", "nvidia-tesla-a100", "nvidia-h100-80gb", "nvidia-rtx-pro-6000"])
    error_message = "By default there must be pools of T4, L4, A100, H100 and G4."
  }
  assert {
    condition     = toset([for pool in values(var.gpu_pools) : pool.provisioning]) == toset(["on-demand", "spot", "flex-start"])
    error_message = "By default there must be pools on demand, spot and flex-start."
  }
  assert {
    condition     = alltrue([for pool in values(google_container_node_pool.gpu) : one(pool.autoscaling).total_min_node_count == 0 && pool.initial_node_count == 0])
    error_message = "GPU pools must be empty unless pods need them."
  }
  assert {
    condition     = alltrue([for name, pool in google_container_node_pool.gpu : one(pool.autoscaling).total_max_node_count == var.gpu_pools[name].max_nodes])
    error_message = "GPU pools must grow no further than max_nodes."
  }
  assert {
    condition     = alltrue([for pool in values(google_container_node_pool.gpu) : one(pool.autoscaling).location_policy == "ANY"])
    error_message = "GPU pools must take a GPU in whichever zone has one."
  }
  assert {
    condition     = alltrue([for name, pool in google_container_node_pool.gpu : one(pool.node_config).spot == (var.gpu_pools[name].provisioning == "spot")])
    error_message = "Spot pools, and only they, must be spot."
  }
  assert {
    condition     = alltrue([for name, pool in google_container_node_pool.gpu : one(pool.node_config).flex_start == (var.gpu_pools[name].provisioning == "flex-start")])
    error_message = "Pools of flex-start, and only they, must be flex-start."
  }
  assert {
    condition     = !one(google_container_node_pool.gpu["h100-flex"].management).auto_repair && one(google_container_node_pool.gpu["h100-flex"].node_config).max_run_duration == "604800s"
    error_message = "Flex-start excludes repair, and lasts seven days at most."
  }
  assert {
    condition     = one(one(google_container_node_pool.gpu["h100-flex"].node_config).reservation_affinity).consume_reservation_type == "NO_RESERVATION"
    error_message = "Flex-start excludes reservations."
  }
  assert {
    condition     = alltrue([for name, pool in google_container_node_pool.gpu : one(pool.management).auto_repair if var.gpu_pools[name].provisioning != "flex-start"])
    error_message = "Broken nodes must be repaired."
  }
  assert {
    condition     = alltrue([for pool in values(google_container_node_pool.gpu) : length(one(pool.node_config).guest_accelerator) == 1 && one(one(one(pool.node_config).guest_accelerator).gpu_driver_installation_config).gpu_driver_version == "LATEST"])
    error_message = "GKE must be told to install the GPU's driver."
  }
  assert {
    condition     = { for name, pool in google_container_node_pool.gpu : name => "${one(one(pool.node_config).guest_accelerator).count} ${one(one(pool.node_config).guest_accelerator).type}" } == { t4-spot = "1 nvidia-tesla-t4", l4 = "1 nvidia-l4", l4-spot = "1 nvidia-l4", a100-spot = "1 nvidia-tesla-a100", h100-spot = "1 nvidia-h100-80gb", h100-flex = "1 nvidia-h100-80gb", g4-quarter = "1 nvidia-rtx-pro-6000" }
    error_message = "Each pool must have the GPU of its machine type."
  }
  assert {
    condition     = alltrue([for pool in values(google_container_node_pool.gpu) : contains([for each in one(pool.node_config).taint : "${each.key}=${each.value}:${each.effect}"], "nvidia.com/gpu=present:NO_SCHEDULE")])
    error_message = "Only pods that ask for a GPU may use a GPU node."
  }
  assert {
    condition     = alltrue([for name, pool in google_container_node_pool.gpu : contains([for each in one(pool.node_config).taint : "${each.key}=${each.value}:${each.effect}"], "cloud.google.com/gke-spot=true:NO_SCHEDULE") == (var.gpu_pools[name].provisioning == "spot")])
    error_message = "Only pods that can be taken away may use a spot node."
  }
  assert {
    condition     = google_container_node_pool.gpu["g4-quarter"].node_locations == toset(["us-central1-b"]) || tolist(google_container_node_pool.gpu["g4-quarter"].node_locations) == tolist(["us-central1-b"])
    error_message = "A pool must be in the zones that have its GPU."
  }
  assert {
    condition     = one(google_container_node_pool.gpu["g4-quarter"].node_config).disk_type == "hyperdisk-balanced" && one(google_container_node_pool.gpu["l4"].node_config).disk_type == "pd-balanced"
    error_message = "G4 machines take hyperdisks only."
  }
  assert {
    condition     = alltrue([for pool in values(google_container_node_pool.gpu) : length(pool.name) <= 40])
    error_message = "GKE allows 40 characters in a pool's name."
  }
}

run "all_pools" {
  command = plan

  assert {
    condition     = alltrue([for pool in concat(values(google_container_node_pool.gpu), [google_container_node_pool.cpu, google_container_node_pool.system]) : one(pool.node_config).service_account == google_service_account.node.email])
    error_message = "Nodes must run as their own account, not as the default one."
  }
  assert {
    condition     = alltrue([for pool in concat(values(google_container_node_pool.gpu), [google_container_node_pool.cpu, google_container_node_pool.system]) : one(pool.node_config).metadata["disable-legacy-endpoints"] == "true"])
    error_message = "The legacy metadata server gives a node's token to any pod."
  }
  assert {
    condition     = alltrue([for pool in concat(values(google_container_node_pool.gpu), [google_container_node_pool.cpu, google_container_node_pool.system]) : one(one(pool.node_config).workload_metadata_config).mode == "GKE_METADATA"])
    error_message = "Pods must get their own identity from the metadata server, not the node's."
  }
  assert {
    condition     = alltrue([for pool in concat(values(google_container_node_pool.gpu), [google_container_node_pool.cpu, google_container_node_pool.system]) : one(one(pool.node_config).shielded_instance_config).enable_secure_boot && one(one(pool.node_config).shielded_instance_config).enable_integrity_monitoring])
    error_message = "Nodes must boot securely."
  }
  assert {
    condition     = alltrue([for pool in concat(values(google_container_node_pool.gpu), [google_container_node_pool.cpu, google_container_node_pool.system]) : one(one(pool.node_config).kubelet_config).insecure_kubelet_readonly_port_enabled == "FALSE"])
    error_message = "The kubelet's open port must be closed."
  }
  assert {
    condition     = one(google_container_node_pool.cpu.autoscaling).total_min_node_count == 0 && one(google_container_node_pool.cpu.autoscaling).total_max_node_count == 8
    error_message = "The pool of CPU nodes must be empty unless pods need it."
  }
  assert {
    condition     = length(one(google_container_node_pool.cpu.node_config).taint) == 0 && length(one(google_container_node_pool.system.node_config).taint) == 0
    error_message = "Pods without a GPU must find nodes without taints."
  }
  assert {
    condition     = one(google_container_node_pool.system.autoscaling).total_min_node_count == 1
    error_message = "The name service and the queue need one node."
  }
}

run "spot_cores" {
  command = plan

  variables {
    cpu_pool = { provisioning = "spot" }
  }

  assert {
    condition     = one(google_container_node_pool.cpu.node_config).spot && [for each in one(google_container_node_pool.cpu.node_config).taint : each.key] == ["cloud.google.com/gke-spot"]
    error_message = "A spot pool of CPU nodes must be spot, and only for pods that can be taken away."
  }
}
