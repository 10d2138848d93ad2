terraform {
  required_version = ">= 1.9, < 2.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50" # the release whose attributes the tests know
    }
  }

  # The state lies in the bucket that `terraform/state` makes. `make gke-up` gives its name and a prefix for each example.
  backend "gcs" {}
}

provider "google" {
  project               = var.project
  region                = var.region
  billing_project       = var.project # budgets are charged to a project of yours, not to gcloud's own
  user_project_override = true
  default_labels        = merge({ managed-by = "terraform", part-of = "flexrl" }, var.labels)
}
