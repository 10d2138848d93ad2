# The objects of the cluster that follow from the pools and the network. `make gke-up` applies them after Kueue's own manifest.
locals {
  # A trial that says neither kind nor provisioning goes to the first flavour that it fits: cores, then GPUs that stay.
  flavor_order = concat(["cpu"], [
    for each in sort([for name, pool in var.gpu_pools : "${index(["on-demand", "flex-start", "spot"], pool.provisioning)} ${name}"]) :
    split(" ", each)[1]
  ])

  flavors = [for name in local.flavor_order : {
    apiVersion = "kueue.x-k8s.io/v1beta2"
    kind       = "ResourceFlavor"
    metadata   = { name = name }
    spec = merge(
      { nodeLabels = local.node_labels[name] },
      length(local.taints[name]) > 0 ? { nodeTaints = [for each in local.taints[name] : merge(each, { effect = "NoSchedule" })] } : {},
    )
  }]

  queue = {
    apiVersion = "kueue.x-k8s.io/v1beta2"
    kind       = "ClusterQueue"
    metadata   = { name = "flexrl" }
    spec = {
      namespaceSelector = { matchLabels = { "kubernetes.io/metadata.name" = "flexrl" } }
      # A trial that is preempted saves, and goes on when there is room again.
      preemption = { withinClusterQueue = "LowerPriority", reclaimWithinCohort = "Any" }
      resourceGroups = [{
        coveredResources = ["cpu", "memory", "nvidia.com/gpu"]
        flavors = [for name in local.flavor_order : {
          name = name
          resources = [
            { name = "cpu", nominalQuota = tostring(local.trial_pools[name].max_nodes * local.machines[local.trial_pools[name].machine_type].cpu) },
            { name = "memory", nominalQuota = "${local.trial_pools[name].max_nodes * local.machines[local.trial_pools[name].machine_type].memory}Gi" },
            { name = "nvidia.com/gpu", nominalQuota = tostring(local.trial_pools[name].max_nodes * local.machines[local.trial_pools[name].machine_type].gpus) },
          ]
        }]
      }]
    }
  }

  # GKE's own classes of Filestore look for a network that is called `default`.
  workspace_class = {
    apiVersion           = "storage.k8s.io/v1"
    kind                 = "StorageClass"
    metadata             = { name = "flexrl-workspace" }
    provisioner          = "filestore.csi.storage.gke.io"
    parameters           = { tier = "standard", network = google_compute_network.this.name }
    volumeBindingMode    = "WaitForFirstConsumer"
    allowVolumeExpansion = true
  }
}
