# What every node has, whatever pool it is in.
locals {
  node = {
    scopes   = ["https://www.googleapis.com/auth/cloud-platform"] # the account's roles are the limit
    metadata = { disable-legacy-endpoints = "true" }
  }
}

# The pool of what the cluster itself needs: name service, Kueue, TensorBoard, MLflow. It is the only one that never empties.
resource "google_container_node_pool" "system" {
  name     = "system"
  cluster  = google_container_cluster.this.id
  location = local.location

  initial_node_count = 1
  autoscaling {
    total_min_node_count = 1
    total_max_node_count = 3
    location_policy      = "ANY"
  }
  management {
    auto_repair  = true
    auto_upgrade = true
  }
  node_config {
    machine_type    = "e2-standard-4"
    image_type      = "COS_CONTAINERD"
    disk_size_gb    = 50
    disk_type       = "pd-balanced"
    service_account = google_service_account.node.email
    oauth_scopes    = local.node.scopes
    metadata        = local.node.metadata
    resource_labels = var.labels
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
  }
  lifecycle {
    ignore_changes = [initial_node_count]
  }
}

# The pool of trials on CPU cores.
resource "google_container_node_pool" "cpu" {
  name     = "cpu"
  cluster  = google_container_cluster.this.id
  location = local.location

  initial_node_count = 0
  autoscaling {
    total_min_node_count = 0
    total_max_node_count = var.cpu_pool.max_nodes
    location_policy      = "ANY"
  }
  management {
    auto_repair  = true
    auto_upgrade = true
  }
  node_config {
    machine_type    = var.cpu_pool.machine_type
    spot            = var.cpu_pool.provisioning == "spot"
    image_type      = "COS_CONTAINERD"
    disk_size_gb    = 50
    disk_type       = "pd-balanced"
    service_account = google_service_account.node.email
    oauth_scopes    = local.node.scopes
    metadata        = local.node.metadata
    resource_labels = var.labels
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
      enabled = true
    }
    dynamic "taint" {
      for_each = local.taints.cpu
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
