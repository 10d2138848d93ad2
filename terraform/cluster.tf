locals {
  zones    = [for letter in var.zones : "${var.region}-${letter}"]
  location = var.regional ? var.region : local.zones[0]
}

resource "google_container_cluster" "this" {
  #checkov:skip=CKV_GCP_65:groups of Google Workspace need a domain, which a project may not have; rights are given to accounts
  #checkov:skip=CKV_GCP_12:Dataplane V2 enforces network policies; the old add-on excludes it
  name           = var.name
  location       = local.location
  node_locations = setsubtract(local.zones, [local.location])

  release_channel {
    channel = var.release_channel
  }
  min_master_version  = var.kubernetes_version
  deletion_protection = var.deletion_protection
  resource_labels     = merge({ part-of = "flexrl" }, var.labels)

  network           = google_compute_network.this.id
  subnetwork        = google_compute_subnetwork.nodes.id
  networking_mode   = "VPC_NATIVE"
  datapath_provider = "ADVANCED_DATAPATH" # Dataplane V2, which enforces the network policies of k8s/
  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }
  enable_intranode_visibility = true

  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = length(var.authorized_networks) == 0
  }
  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic = length(var.authorized_networks) == 0
    }
    ip_endpoints_config {
      enabled = length(var.authorized_networks) > 0
    }
  }
  master_authorized_networks_config {
    dynamic "cidr_blocks" {
      for_each = var.authorized_networks
      content {
        display_name = cidr_blocks.key
        cidr_block   = cidr_blocks.value
      }
    }
  }
  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }
  enable_legacy_abac    = false
  enable_shielded_nodes = true
  binary_authorization {
    evaluation_mode = "PROJECT_SINGLETON_POLICY_ENFORCE"
  }
  security_posture_config {
    mode               = "BASIC"
    vulnerability_mode = "VULNERABILITY_BASIC"
  }
  workload_identity_config {
    workload_pool = "${var.project}.svc.id.goog"
  }

  addons_config {
    dns_cache_config {
      enabled = true
    }
    gce_persistent_disk_csi_driver_config {
      enabled = true
    }
    gcp_filestore_csi_driver_config {
      enabled = true
    }
    gcs_fuse_csi_driver_config {
      enabled = true
    }
    http_load_balancing {
      disabled = true # nothing is served to the outside
    }
  }
  cluster_autoscaling {
    autoscaling_profile = "OPTIMIZE_UTILIZATION" # nodes without pods go sooner
  }
  cost_management_config {
    enabled = true
  }
  logging_config {
    enable_components = ["SYSTEM_COMPONENTS", "WORKLOADS"]
  }
  monitoring_config {
    enable_components = ["SYSTEM_COMPONENTS"]
    managed_prometheus {
      enabled = true
    }
  }
  maintenance_policy {
    recurring_window { # on weekends, from midnight to six, UTC
      start_time = "2026-01-03T00:00:00Z"
      end_time   = "2026-01-03T06:00:00Z"
      recurrence = "FREQ=WEEKLY;BYDAY=SA,SU"
    }
  }

  # GKE makes a pool with every cluster. It is removed at once; the pools are in pools.tf and gpu_pools.tf.
  remove_default_node_pool = true
  initial_node_count       = 1
  node_config {
    service_account = google_service_account.node.email
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
    metadata        = { disable-legacy-endpoints = "true" }
    workload_metadata_config {
      mode = "GKE_METADATA"
    }
    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }
  }
  lifecycle {
    ignore_changes = [node_config, min_master_version] # the one is of the removed pool, the other rises by itself
  }

  depends_on = [google_project_service.this, google_project_iam_member.node]
}
