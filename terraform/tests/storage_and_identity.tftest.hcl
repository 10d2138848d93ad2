# What is stored, who may do what, and the budget.
mock_provider "google" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  project         = "my-project"
  billing_account = "012345-6789AB-CDEF01"
}

run "storage" {
  command = plan

  variables {
    delete_runs_after_days = 90
  }

  assert {
    condition     = google_storage_bucket.runs.public_access_prevention == "enforced" && google_storage_bucket.runs.uniform_bucket_level_access
    error_message = "Runs must not be public."
  }
  assert {
    condition     = one(google_storage_bucket.runs.hierarchical_namespace).enabled
    error_message = "The bucket must have real folders."
  }
  assert {
    condition     = length(google_storage_bucket.runs.versioning) == 0
    error_message = "A bucket with real folders cannot have versions."
  }
  assert {
    condition     = one(google_storage_bucket.runs.soft_delete_policy).retention_duration_seconds >= 604800
    error_message = "What was deleted must be restorable for a week."
  }
  assert {
    condition     = !google_storage_bucket.runs.force_destroy
    error_message = "Runs must not go with the cluster unless asked."
  }
  assert {
    condition     = [for rule in google_storage_bucket.runs.lifecycle_rule : "${one(rule.action).type} ${one(rule.condition).age}"] == ["AbortIncompleteMultipartUpload 7", "Delete 90"]
    error_message = "Cut uploads must go after a week, and runs when the user says so."
  }
  assert {
    condition     = google_storage_bucket.runs.name == "my-project-flexrl-runs" && length(google_storage_bucket.runs.name) <= 63
    error_message = "A bucket's name is unique in the world, and has 63 characters at most."
  }
  assert {
    condition     = toset([for policy in google_artifact_registry_repository.images.cleanup_policies : policy.action]) == toset(["KEEP", "DELETE"]) && !google_artifact_registry_repository.images.cleanup_policy_dry_run
    error_message = "Old images must go, and the newest stay."
  }
}

run "runs_are_kept_by_default" {
  command = plan

  assert {
    condition     = [for rule in google_storage_bucket.runs.lifecycle_rule : one(rule.action).type] == ["AbortIncompleteMultipartUpload"]
    error_message = "Runs must be kept unless the user gives an age."
  }
}

run "identity" {
  command = plan

  assert {
    condition     = toset([for each in values(google_project_iam_member.node) : each.role]) == toset(["roles/logging.logWriter", "roles/monitoring.metricWriter"])
    error_message = "In the project, nodes may only write logs and metrics."
  }
  assert {
    condition     = alltrue([for each in values(google_project_iam_member.node) : each.member == "serviceAccount:${google_service_account.node.email}"])
    error_message = "Those roles are the nodes'."
  }
  assert {
    condition     = google_artifact_registry_repository_iam_member.node.role == "roles/artifactregistry.reader"
    error_message = "Nodes may only read images."
  }
  assert {
    condition     = google_storage_bucket_iam_member.trial.role == "roles/storage.objectUser" && endswith(google_storage_bucket_iam_member.trial.member, "/my-project.svc.id.goog/subject/ns/flexrl/sa/flexrl-trial")
    error_message = "Trials, by the account of k8s/base/rbac.yaml, may write objects of the bucket and nothing else."
  }
  assert {
    condition     = google_storage_bucket_iam_member.launcher.role == "roles/storage.objectViewer" && endswith(google_storage_bucket_iam_member.launcher.member, "/sa/flexrl-launcher")
    error_message = "The launcher may only read objects of the bucket."
  }
  assert {
    condition     = startswith(google_storage_bucket_iam_member.trial.member, "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/")
    error_message = "Pods must be named by the project's number."
  }
  assert {
    condition     = length(google_service_account.node.account_id) <= 30 && length(google_service_account.node.account_id) >= 6
    error_message = "An account's ID has 6 to 30 characters."
  }
}

run "longest_names" {
  command = plan

  variables {
    project = "a-project-whose-name-is-30-lon"
    name    = "a-name-of-twenty-cha"
  }

  assert {
    condition     = length(google_storage_bucket.runs.name) <= 63 && length(google_service_account.node.account_id) <= 30 && length(google_container_cluster.this.name) <= 40 && length(google_compute_subnetwork.nodes.name) <= 63 && length(google_dns_managed_zone.google.name) <= 63
    error_message = "The longest names that variables allow must stay within Google's limits."
  }
}

run "budget" {
  command = plan

  variables {
    budget        = 300
    budget_emails = ["a@example.com"]
  }

  assert {
    condition     = one(one(one(google_billing_budget.this).amount).specified_amount).units == "300"
    error_message = "The budget must be the amount that was given."
  }
  assert {
    condition     = [for each in one(google_billing_budget.this).threshold_rules : "${each.threshold_percent} ${each.spend_basis}"] == ["0.5 CURRENT_SPEND", "0.9 CURRENT_SPEND", "1 CURRENT_SPEND", "1 FORECASTED_SPEND"]
    error_message = "Alerts must come at 50, 90 and 100 %, and when 100 % is to be expected."
  }
  assert {
    condition     = google_monitoring_notification_channel.budget["a@example.com"].labels.email_address == "a@example.com"
    error_message = "Alerts must go to the addresses that were given."
  }
}

run "a_missing_budget_is_told" {
  command = plan

  variables {
    billing_account = null
  }

  expect_failures = [check.budget]
}
