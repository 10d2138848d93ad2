# The bucket of runs. Folders are real ones there (a hierarchical namespace), so that a rename is one step. Such a bucket cannot
# keep old versions of objects; deleted objects can be restored for a week instead.
resource "google_storage_bucket" "runs" {
  #checkov:skip=CKV_GCP_78:a bucket with a hierarchical namespace cannot have versions; soft deletion stands in
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs say who did what; logs of each read would cost more than they tell
  name          = "${var.project}-${var.name}-runs"
  location      = var.region
  storage_class = "STANDARD"
  force_destroy = !var.keep_runs

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  hierarchical_namespace {
    enabled = true
  }
  soft_delete_policy {
    retention_duration_seconds = 7 * 24 * 3600
  }
  lifecycle_rule { # what an upload that was cut left behind
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }
  dynamic "lifecycle_rule" {
    for_each = var.delete_runs_after_days == null ? [] : [var.delete_runs_after_days]
    content {
      action {
        type = "Delete"
      }
      condition {
        age = lifecycle_rule.value
      }
    }
  }

  depends_on = [google_project_service.this]
}
