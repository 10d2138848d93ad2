# What Google would answer, where the tests need to tell one thing from another.
mock_data "google_project" {
  defaults = { number = "123456789012" }
}
mock_resource "google_service_account" {
  defaults = { email = "flexrl-node@my-project.iam.gserviceaccount.com" }
}
mock_resource "google_compute_network" {
  defaults = { id = "projects/my-project/global/networks/flexrl" }
}
mock_resource "google_compute_subnetwork" {
  defaults = { id = "projects/my-project/regions/us-central1/subnetworks/flexrl-nodes" }
}
mock_resource "google_container_cluster" {
  defaults = { id = "projects/my-project/locations/us-central1-a/clusters/flexrl" }
}
