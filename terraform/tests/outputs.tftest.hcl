# What `launch.sweep --from-terraform` and terraform/gke.sh read, and the queue whose flavours match the pools.
mock_provider "google" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  project         = "my-project"
  billing_account = "012345-6789AB-CDEF01"
  gpu_pools = {
    l4      = { machine_type = "g2-standard-8", provisioning = "on-demand", max_nodes = 4 }
    l4-spot = { machine_type = "g2-standard-8", max_nodes = 16 }
    h100    = { machine_type = "a3-highgpu-1g", provisioning = "flex-start", max_nodes = 2, zones = ["a"] }
  }
}

run "outputs" {
  command = plan

  assert {
    condition     = output.launch.context == "gke_my-project_us-central1-a_flexrl" && output.launch.context == output.context
    error_message = "The context must be the one that gcloud writes."
  }
  assert {
    condition     = output.launch.image == "us-central1-docker.pkg.dev/my-project/flexrl/flexrl:dev" && output.image == output.launch.image
    error_message = "The image must lie in the registry."
  }
  assert {
    condition     = output.launch.bucket == "my-project-flexrl-runs"
    error_message = "The bucket must be named."
  }
  assert {
    condition     = [output.launch.namespace, output.launch.queue, output.launch.volume_claim, output.launch.service_account] == ["flexrl", "flexrl", "workspace", "flexrl-trial"]
    error_message = "These names are those of k8s/base and k8s/gke."
  }
  assert {
    condition     = toset(keys(output.launch.pools)) == toset(["cpu", "l4", "l4-spot", "h100"]) && toset(split(" ", output.pools)) == toset(keys(output.launch.pools))
    error_message = "All pools of trials must be named."
  }
  assert {
    condition     = tomap(output.launch.pools["l4-spot"].node_selector) == tomap({ "cloud.google.com/gke-nodepool" = "l4-spot", "cloud.google.com/gke-accelerator" = "nvidia-l4", "cloud.google.com/gke-spot" = "true" })
    error_message = "Pods must find the spot pool by the labels that GKE gives its nodes."
  }
  assert {
    condition     = output.launch.pools["h100"].node_selector["cloud.google.com/gke-flex-start"] == "true" && output.launch.pools["h100"].provisioning == "flex-start"
    error_message = "Pods must say that they wait for flex-start."
  }
  assert {
    condition     = output.launch.pools["cpu"].gpus == 0 && output.launch.pools["cpu"].gpu_kind == null && output.launch.pools["l4"].cpu == 8 && output.launch.pools["l4"].memory_gib == 32
    error_message = "Pools must say what their machines have."
  }
  assert {
    condition     = output.endpoint_flag == "--dns-endpoint"
    error_message = "gcloud must use the DNS endpoint."
  }
}

run "queue" {
  command = plan

  assert {
    condition     = [for each in local.flavors : each.metadata.name] == ["cpu", "l4", "h100", "l4-spot"]
    error_message = "Each pool must have a flavour: cores first, then GPUs that stay, spot last."
  }
  assert {
    condition     = [for text in split("---\n", output.kubernetes_objects) : yamldecode(text).kind] == ["StorageClass", "ResourceFlavor", "ResourceFlavor", "ResourceFlavor", "ResourceFlavor", "ClusterQueue"]
    error_message = "The objects must be YAML documents, flavours before the queue that needs them."
  }
  assert {
    condition     = alltrue([for each in local.flavors : each.spec.nodeLabels == output.launch.pools[each.metadata.name].node_selector])
    error_message = "Flavours must have the labels of their pools."
  }
  assert {
    condition = alltrue([
      for each in local.flavors : toset([for taint in try(each.spec.nodeTaints, []) : "${taint.key}=${taint.value}"]) ==
      toset([for taint in each.metadata.name == "cpu" ? one(google_container_node_pool.cpu.node_config).taint : one(google_container_node_pool.gpu[each.metadata.name].node_config).taint : "${taint.key}=${taint.value}"])
    ])
    error_message = "Flavours must have the taints of their pools."
  }
  assert {
    condition     = { for each in local.queue.spec.resourceGroups[0].flavors : each.name => [for resource in each.resources : resource.nominalQuota] } == { cpu = ["64", "256Gi", "0"], l4 = ["32", "128Gi", "4"], h100 = ["52", "468Gi", "2"], l4-spot = ["128", "512Gi", "16"] }
    error_message = "The queue must admit what the pools can hold."
  }
  assert {
    condition     = local.workspace_class.parameters.network == google_compute_network.this.name
    error_message = "The workspace's volume must be in the cluster's network."
  }
}
