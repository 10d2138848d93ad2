# How pods come to the nodes of a pool, written once: the pools get the taints, the queue's flavours get labels and taints, and
# `launch.sweep` gets the node selectors. Its pods tolerate exactly these taints (launch/kubernetes/manifests.py).
locals {
  trial_pools = merge({ cpu = var.cpu_pool }, var.gpu_pools)

  taints = {
    for name, pool in local.trial_pools : name => concat(
      local.machines[pool.machine_type].gpus > 0 ? [{ key = "nvidia.com/gpu", value = "present" }] : [],
      pool.provisioning == "spot" ? [{ key = "cloud.google.com/gke-spot", value = "true" }] : [],
    )
  }

  # GKE gives nodes these labels by itself.
  node_labels = {
    for name, pool in local.trial_pools : name => merge(
      { "cloud.google.com/gke-nodepool" = name },
      local.machines[pool.machine_type].gpus > 0 ? { "cloud.google.com/gke-accelerator" = local.machines[pool.machine_type].kind } : {},
      pool.provisioning == "spot" ? { "cloud.google.com/gke-spot" = "true" } : {},
      pool.provisioning == "flex-start" ? { "cloud.google.com/gke-flex-start" = "true" } : {},
    )
  }
}
