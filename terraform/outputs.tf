output "launch" {
  description = "What `python -m launch.sweep ... --from-terraform` needs to know (launch/kubernetes/terraform_outputs.py)."
  value = {
    context         = local.context
    namespace       = "flexrl"
    image           = local.image
    queue           = local.queue.metadata.name
    volume_claim    = "workspace"
    service_account = "flexrl-trial"
    bucket          = google_storage_bucket.runs.name
    pools = {
      for name, pool in local.trial_pools : name => {
        provisioning  = pool.provisioning
        max_nodes     = pool.max_nodes
        cpu           = local.machines[pool.machine_type].cpu
        memory_gib    = local.machines[pool.machine_type].memory
        gpu_kind      = local.machines[pool.machine_type].kind
        gpus          = local.machines[pool.machine_type].gpus
        node_selector = local.node_labels[name]
      }
    }
  }
}

# The rest is for terraform/gke.sh.

output "cluster" {
  description = "Name of the cluster."
  value       = google_container_cluster.this.name
}

output "location" {
  description = "Zone or region of the cluster."
  value       = local.location
}

output "context" {
  description = "Context of the kubeconfig that `gcloud container clusters get-credentials` writes."
  value       = local.context
}

output "endpoint_flag" {
  description = "What get-credentials must be told about the control plane's address."
  value       = length(var.authorized_networks) == 0 ? "--dns-endpoint" : ""
}

output "image" {
  description = "The image of trials, as it is pushed."
  value       = local.image
}

output "registry_host" {
  description = "Host that docker logs in to."
  value       = local.registry_host
}

output "pools" {
  description = "Names of the pools of trials, with spaces between."
  value       = join(" ", keys(local.trial_pools))
}

output "deletion_protection" {
  description = "Whether the cluster refuses to be destroyed."
  value       = var.deletion_protection
}

output "kubernetes_objects" {
  description = "The queue, its flavours and the class of the workspace's volume, as YAML for kubectl."
  value       = join("---\n", [for each in concat([local.workspace_class], local.flavors, [local.queue]) : yamlencode(each)])
}

locals {
  context       = "gke_${var.project}_${local.location}_${var.name}"
  registry_host = "${var.region}-docker.pkg.dev"
  image         = "${local.registry_host}/${var.project}/${google_artifact_registry_repository.images.repository_id}/flexrl:${var.image_tag}"
}
