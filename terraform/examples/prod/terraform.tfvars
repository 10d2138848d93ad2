# A team's cluster: a control plane in three zones, tags that cannot change, and every kind of GPU, both cheap and sure.
name                = "flexrl-prod"
regional            = true
image_tag           = "v0.1.0"
immutable_tags      = true
budget              = 5000
budget_emails       = ["training-costs@example.com"]
labels              = { cost-centre = "robot-learning" }
authorized_networks = { office = "203.0.113.0/24" }

gpu_pools = {
  t4-spot    = { machine_type = "n1-standard-8", max_nodes = 16 }
  l4         = { machine_type = "g2-standard-8", provisioning = "on-demand", max_nodes = 8, zones = ["a", "b"] }
  l4-spot    = { machine_type = "g2-standard-8", max_nodes = 32, zones = ["a", "b"] }
  a100       = { machine_type = "a2-highgpu-1g", provisioning = "on-demand", max_nodes = 4 }
  a100-spot  = { machine_type = "a2-highgpu-1g", max_nodes = 16 }
  h100-spot  = { machine_type = "a3-highgpu-1g", max_nodes = 8, zones = ["a"] }
  h100-flex  = { machine_type = "a3-highgpu-1g", provisioning = "flex-start", max_nodes = 8, zones = ["a"] }
  g4         = { machine_type = "g4-standard-48", provisioning = "on-demand", max_nodes = 2, zones = ["b"] }
  g4-quarter = { machine_type = "g4-standard-12", max_nodes = 16, zones = ["b"] }
}

cpu_pool = { machine_type = "n2-standard-16", max_nodes = 16 }
