# The cluster and its network: nothing of it can be reached from outside except the control plane, by whoever may.
mock_provider "google" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  project         = "my-project"
  billing_account = "012345-6789AB-CDEF01"
}

run "cluster" {
  command = plan

  assert {
    condition     = one(google_container_cluster.this.private_cluster_config).enable_private_nodes
    error_message = "Nodes must have no public addresses."
  }
  assert {
    condition     = one(google_container_cluster.this.private_cluster_config).enable_private_endpoint
    error_message = "Without authorised networks, the control plane must have no public address."
  }
  assert {
    condition     = one(one(google_container_cluster.this.control_plane_endpoints_config).dns_endpoint_config).allow_external_traffic
    error_message = "Without authorised networks, the DNS endpoint must lead to the control plane."
  }
  assert {
    condition     = !one(one(google_container_cluster.this.control_plane_endpoints_config).ip_endpoints_config).enabled
    error_message = "Without authorised networks, the control plane must not answer by IP address."
  }
  assert {
    condition     = google_container_cluster.this.datapath_provider == "ADVANCED_DATAPATH"
    error_message = "Network policies need Dataplane V2."
  }
  assert {
    condition     = one(google_container_cluster.this.release_channel).channel == "REGULAR"
    error_message = "A release channel must upgrade the cluster."
  }
  assert {
    condition     = one(google_container_cluster.this.workload_identity_config).workload_pool == "my-project.svc.id.goog"
    error_message = "Pods must have identities of their own."
  }
  assert {
    condition     = google_container_cluster.this.enable_shielded_nodes
    error_message = "Nodes must be shielded."
  }
  assert {
    condition     = !google_container_cluster.this.enable_legacy_abac
    error_message = "Rights must come from RBAC, not from the legacy ABAC."
  }
  assert {
    condition     = !one(one(google_container_cluster.this.master_auth).client_certificate_config).issue_client_certificate
    error_message = "No client certificate may exist: it could not be revoked."
  }
  assert {
    condition     = one(google_container_cluster.this.binary_authorization).evaluation_mode == "PROJECT_SINGLETON_POLICY_ENFORCE"
    error_message = "The project's Binary Authorization policy must be enforced."
  }
  assert {
    condition     = google_container_cluster.this.deletion_protection
    error_message = "A cluster must be protected from deletion unless asked otherwise."
  }
  assert {
    condition     = google_container_cluster.this.remove_default_node_pool
    error_message = "GKE's own pool must be removed."
  }
  assert {
    condition     = one(google_container_cluster.this.node_config).service_account == google_service_account.node.email
    error_message = "Even the pool that is removed must not run as the default account."
  }
  assert {
    condition     = one(one(google_container_cluster.this.addons_config).gcp_filestore_csi_driver_config).enabled
    error_message = "The workspace needs Filestore's driver."
  }
  assert {
    condition     = google_container_cluster.this.location == "us-central1-a" && toset(google_container_cluster.this.node_locations) == toset(["us-central1-b", "us-central1-c"])
    error_message = "A zonal cluster must have its control plane in the first zone, and nodes in all."
  }
  assert {
    condition     = !google_compute_network.this.auto_create_subnetworks && google_compute_subnetwork.nodes.private_ip_google_access
    error_message = "The network must have its own subnetwork, from which nodes reach Google privately."
  }
  assert {
    condition     = toset(google_dns_record_set.private.rrdatas) == toset(["199.36.153.8", "199.36.153.9", "199.36.153.10", "199.36.153.11"])
    error_message = "Google's names must lead to private.googleapis.com, the range that k8s/gke/google.yaml lets pods reach."
  }
  assert {
    condition     = length(google_container_cluster.this.name) <= 40
    error_message = "GKE allows 40 characters in a cluster's name."
  }
}

run "authorized_networks" {
  command = plan

  variables {
    authorized_networks = { office = "203.0.113.0/24" }
  }

  assert {
    condition     = [for each in one(google_container_cluster.this.master_authorized_networks_config).cidr_blocks : each.cidr_block] == ["203.0.113.0/24"]
    error_message = "The named networks, and no others, must reach the control plane."
  }
  assert {
    condition     = !one(one(google_container_cluster.this.control_plane_endpoints_config).dns_endpoint_config).allow_external_traffic
    error_message = "With authorised networks, the DNS endpoint must not be a second way in."
  }
  assert {
    condition     = one(one(google_container_cluster.this.control_plane_endpoints_config).ip_endpoints_config).enabled
    error_message = "With authorised networks, the control plane must answer by IP address."
  }
  assert {
    condition     = output.endpoint_flag == ""
    error_message = "gcloud must then use the IP address."
  }
}

run "regional" {
  command = plan

  variables {
    regional            = true
    deletion_protection = false
  }

  assert {
    condition     = google_container_cluster.this.location == "us-central1" && length(google_container_cluster.this.node_locations) == 3
    error_message = "A regional cluster must have its control plane in the region, and nodes in all zones."
  }
  assert {
    condition     = output.context == "gke_my-project_us-central1_flexrl"
    error_message = "The context must be the one that gcloud writes for a regional cluster."
  }
  assert {
    condition     = !google_container_cluster.this.deletion_protection && !output.deletion_protection
    error_message = "Protection must go when it is not wanted."
  }
}
