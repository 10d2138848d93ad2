# The bucket of Terraform's state, made first and once: `make gke-state`. Its own state is a file in this folder; should that be
# lost, `terraform -chdir=terraform/state import google_storage_bucket.state NAME` finds the bucket again.
terraform {
  required_version = ">= 1.9, < 2.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
}

provider "google" {
  project = var.project
}

variable "project" {
  description = "ID of the Google Cloud project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project: '${var.project}' is not a project ID: 6 to 30 lower-case letters, digits and '-'. List yours: gcloud projects list."
  }
}

variable "location" {
  description = "Region, or larger area such as US, that the state is stored in."
  type        = string
  default     = "US"

  validation {
    condition     = can(regex("^([A-Z]+|[a-z]+-[a-z]+[0-9]+)$", var.location))
    error_message = "location: '${var.location}' must be a region such as us-central1, or US, EU or ASIA."
  }
}

resource "google_storage_bucket" "state" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs say who did what; the state is read by few
  name          = "${var.project}-flexrl-state"
  location      = var.location
  force_destroy = false

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  versioning {
    enabled = true # an older state can be brought back
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      num_newer_versions = 50
      with_state         = "ARCHIVED"
    }
  }
  lifecycle {
    prevent_destroy = true
  }
}

output "bucket" {
  description = "Name of the bucket."
  value       = google_storage_bucket.state.name
}
