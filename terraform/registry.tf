# The registry of the image that trials run.
resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:images hold this open code and no data; Google's own key encrypts them
  repository_id          = var.name
  location               = var.region
  format                 = "DOCKER"
  description            = "Images of flex-rl's trials"
  cleanup_policy_dry_run = false

  docker_config {
    immutable_tags = var.immutable_tags
  }
  cleanup_policies { # a policy that keeps wins over one that deletes
    id     = "keep-newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 10
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "2592000s" # 30 days
    }
  }

  depends_on = [google_project_service.this]
}
