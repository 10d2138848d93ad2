# Bad values are refused before anything is planned. tests/terraform/test_variables.py reads the sentences.
mock_provider "google" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  project         = "my-project"
  billing_account = "012345-6789AB-CDEF01"
}

run "project" {
  command = plan
  variables {
    project = "My Project"
  }
  expect_failures = [var.project]
}

run "everything_at_once" {
  command = plan
  variables {
    name                   = "x"
    region                 = "us-central1-a"
    zones                  = []
    release_channel        = "regular"
    kubernetes_version     = "1.32"
    authorized_networks    = { all = "0.0.0.0/0" }
    delete_runs_after_days = 0
    image_tag              = "latest"
    billing_account        = "mine"
    budget                 = 0.5
    budget_emails          = ["nobody"]
    cpu_pool               = { machine_type = "g2-standard-8" }
  }
  expect_failures = [
    var.name, var.region, var.zones, var.release_channel, var.kubernetes_version, var.authorized_networks,
    var.delete_runs_after_days, var.image_tag, var.billing_account, var.budget, var.budget_emails, var.cpu_pool,
  ]
}

run "pools" {
  command = plan
  variables {
    gpu_pools = { GPU = { machine_type = "g2-standard-9", max_nodes = 0 } }
  }
  expect_failures = [var.gpu_pools]
}
