variable "gpu_pools" {
  description = <<-EOT
    Pools of GPU nodes by name. A pool without pods has no nodes and costs nothing.
      machine_type: a type of machines.tf with a GPU, which also says the GPU's kind and number.
      provisioning: spot (cheap, can be taken away), flex-start (cheap, waited for, at most seven days) or on-demand.
      max_nodes: most nodes, in all zones together.
      zones: letters of the zones that have this GPU, if not those of `zones`.
      disk_gb: size of a node's disk.
  EOT
  type = map(object({
    machine_type = string
    provisioning = optional(string, "spot")
    max_nodes    = number
    zones        = optional(list(string))
    disk_gb      = optional(number, 100)
  }))
  default = {
    t4-spot    = { machine_type = "n1-standard-8", max_nodes = 8 }
    l4         = { machine_type = "g2-standard-8", provisioning = "on-demand", max_nodes = 4, zones = ["a", "b"] }
    l4-spot    = { machine_type = "g2-standard-8", max_nodes = 16, zones = ["a", "b"] }
    a100-spot  = { machine_type = "a2-highgpu-1g", max_nodes = 4 }
    h100-spot  = { machine_type = "a3-highgpu-1g", max_nodes = 4, zones = ["a"] }
    h100-flex  = { machine_type = "a3-highgpu-1g", provisioning = "flex-start", max_nodes = 4, zones = ["a"] }
    g4-quarter = { machine_type = "g4-standard-12", max_nodes = 8, zones = ["b"] }
  }

  validation {
    condition     = alltrue([for name in keys(var.gpu_pools) : can(regex("^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$", name)) && !contains(["cpu", "system"], name)])
    error_message = "gpu_pools: ${join(", ", keys(var.gpu_pools))}: a pool's name must be 1 to 30 lower-case letters, digits and '-', and neither cpu nor system, which are pools already."
  }
  validation {
    condition     = alltrue([for pool in values(var.gpu_pools) : try(local.machines[pool.machine_type].gpus, 0) > 0])
    error_message = "gpu_pools: ${join(", ", [for name, pool in var.gpu_pools : "${name}.machine_type '${pool.machine_type}'" if try(local.machines[pool.machine_type].gpus, 0) == 0])} is not a type with a GPU in machines.tf; add a line there, or choose one of ${join(", ", [for type, each in local.machines : type if each.gpus > 0])}."
  }
  validation {
    condition     = alltrue([for pool in values(var.gpu_pools) : contains(["on-demand", "spot", "flex-start"], pool.provisioning)])
    error_message = "gpu_pools: ${join(", ", [for name, pool in var.gpu_pools : "${name}.provisioning '${pool.provisioning}'" if !contains(["on-demand", "spot", "flex-start"], pool.provisioning)])} must be on-demand, spot or flex-start."
  }
  validation {
    condition     = alltrue([for pool in values(var.gpu_pools) : !(pool.provisioning == "on-demand" && can(regex("^a3-highgpu-[124]g$", pool.machine_type)))])
    error_message = "gpu_pools: Google gives a3-highgpu-1g, -2g and -4g as spot or flex-start only; change provisioning, or take a3-highgpu-8g."
  }
  validation {
    condition     = alltrue([for pool in values(var.gpu_pools) : pool.max_nodes >= 1 && pool.max_nodes <= 1000 && floor(pool.max_nodes) == pool.max_nodes])
    error_message = "gpu_pools: max_nodes of ${join(", ", [for name, pool in var.gpu_pools : "${name} (${pool.max_nodes})"])} must be whole numbers from 1 to 1000; leave a pool out that is to have none."
  }
  validation {
    condition     = alltrue([for pool in values(var.gpu_pools) : pool.zones == null ? true : length(setsubtract(pool.zones, var.zones)) == 0 && length(pool.zones) > 0])
    error_message = "gpu_pools: zones of a pool must be some of zones (${join(", ", var.zones)}), where the cluster's nodes may be; leave them out for all of these."
  }
  validation {
    condition     = alltrue([for pool in values(var.gpu_pools) : pool.disk_gb >= 50])
    error_message = "gpu_pools: disk_gb must be 50 or more: the image of trials with CUDA and the driver need that."
  }
  validation {
    condition     = tonumber(split(".", var.kubernetes_version)[1]) >= 35 || alltrue([for pool in values(var.gpu_pools) : !can(regex("^g4-standard-(6|12|24)$", pool.machine_type))])
    error_message = "gpu_pools: g4-standard-6, -12 and -24 are parts of a GPU, which GKE has from 1.35.2-gke.1485000 on; raise kubernetes_version '${var.kubernetes_version}', or take g4-standard-48."
  }
}

variable "cpu_pool" {
  description = <<-EOT
    The pool of nodes for trials on CPU cores, from zero.
      machine_type: a type of machines.tf without a GPU.
      provisioning: on-demand or spot.
      max_nodes: most nodes, in all zones together.
  EOT
  type = object({
    machine_type = optional(string, "n2-standard-8")
    provisioning = optional(string, "on-demand")
    max_nodes    = optional(number, 8)
  })
  default = {}

  validation {
    condition     = try(local.machines[var.cpu_pool.machine_type].gpus, 1) == 0
    error_message = "cpu_pool.machine_type: '${var.cpu_pool.machine_type}' is not a type without GPU in machines.tf; add a line there, or choose one of ${join(", ", [for type, each in local.machines : type if each.gpus == 0])}."
  }
  validation {
    condition     = contains(["on-demand", "spot"], var.cpu_pool.provisioning)
    error_message = "cpu_pool.provisioning: '${var.cpu_pool.provisioning}' must be on-demand or spot."
  }
  validation {
    condition     = var.cpu_pool.max_nodes >= 1 && var.cpu_pool.max_nodes <= 1000 && floor(var.cpu_pool.max_nodes) == var.cpu_pool.max_nodes
    error_message = "cpu_pool.max_nodes: ${var.cpu_pool.max_nodes} must be a whole number from 1 to 1000."
  }
}
