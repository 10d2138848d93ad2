# The pools of GPU nodes, all from zero. A trial's pods choose theirs by the labels and taints in placement.tf.
resource "google_container_node_pool" "gpu" {
  #checkov:skip=CKV_GCP_9:Google asks for pools of flex-start without repair; all others repair themselves
  for_each = var.gpu_pools

  name           = each.key
  cluster        = google_container_cluster.this.id
  location       = local.location
  node_locations = [for letter in coalesce(each.value.zones, var.zones) : "${var.region}-${letter}"]

  initial_node_count = 0
  autoscaling {
    total_min_node_count = 0
    total_max_node_count = each.value.max_nodes
    location_policy      = "ANY" # take the GPU in whichever zone has one
  }
  management {
    auto_repair  = each.value.provisioning != "flex-start"
    auto_upgrade = true
  }
  dynamic "upgrade_settings" {
    for_each = each.value.provisioning == "flex-start" ? [] : ["surge"]
    content {
      strategy        = "SURGE"
      max_surge       = 0 # there may be no second GPU to be had, nor quota for one
      max_unavailable = 1
    }
  }

  node_config {
    machine_type     = each.value.machine_type
    spot             = each.value.provisioning == "spot"
    flex_start       = each.value.provisioning == "flex-start"
    max_run_duration = each.value.provisioning == "flex-start" ? "604800s" : null # seven days, the most
    image_type       = "COS_CONTAINERD"
    disk_size_gb     = each.value.disk_gb
    disk_type        = startswith(each.value.machine_type, "g4-") ? "hyperdisk-balanced" : "pd-balanced"
    service_account  = google_service_account.node.email
    oauth_scopes     = local.node.scopes
    metadata         = local.node.metadata
    resource_labels  = var.labels

    guest_accelerator {
      type  = local.machines[each.value.machine_type].kind
      count = local.machines[each.value.machine_type].gpus
      gpu_driver_installation_config {
        gpu_driver_version = "LATEST" # GKE's default may be older than what CUDA 12.8 and 13 need
      }
    }
    workload_metadata_config {
      mode = "GKE_METADATA"
    }
    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }
    kubelet_config {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }
    gcfs_config {
      enabled = true # trials start before the whole image of several GB is there
    }
    gvnic {
      enabled = true
    }
    dynamic "reservation_affinity" {
      for_each = each.value.provisioning == "flex-start" ? ["none"] : []
      content {
        consume_reservation_type = "NO_RESERVATION"
      }
    }
    dynamic "taint" {
      for_each = local.taints[each.key]
      content {
        key    = taint.value.key
        value  = taint.value.value
        effect = "NO_SCHEDULE"
      }
    }
  }
  lifecycle {
    ignore_changes = [initial_node_count]
  }
}
