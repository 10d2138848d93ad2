# Every identity and what it may do. README.md has the table.
#
# The account of nodes: it writes logs and metrics, and pulls images. Pods cannot use it, since their metadata server is GKE's.
resource "google_service_account" "node" {
  account_id   = "${var.name}-node"
  display_name = "Nodes of the cluster ${var.name}"

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "node" {
  for_each = toset(["roles/logging.logWriter", "roles/monitoring.metricWriter"])

  project = var.project
  role    = each.key
  member  = "serviceAccount:${google_service_account.node.email}"
}

resource "google_artifact_registry_repository_iam_member" "node" {
  repository = google_artifact_registry_repository.images.name
  location   = google_artifact_registry_repository.images.location
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:${google_service_account.node.email}"
}

# Workload Identity: the service accounts of k8s/base/rbac.yaml by their own names. They have no account of Google and no keys.
locals {
  pods = "principal://iam.googleapis.com/projects/${data.google_project.this.number}/locations/global/workloadIdentityPools/${var.project}.svc.id.goog/subject/ns/flexrl/sa"
}

resource "google_storage_bucket_iam_member" "trial" { # writes runs, and replaces what it wrote
  bucket = google_storage_bucket.runs.name
  role   = "roles/storage.objectUser"
  member = "${local.pods}/flexrl-trial"

  depends_on = [google_container_cluster.this] # whose first one makes the pool of identities
}

resource "google_storage_bucket_iam_member" "launcher" { # reads results
  bucket = google_storage_bucket.runs.name
  role   = "roles/storage.objectViewer"
  member = "${local.pods}/flexrl-launcher"

  depends_on = [google_container_cluster.this]
}
