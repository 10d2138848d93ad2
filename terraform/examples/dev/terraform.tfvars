# One person's cluster: a free zonal control plane, spot GPUs, and nothing that is hard to throw away.
name                = "flexrl-dev"
zones               = ["a", "b", "c"]
deletion_protection = false
budget              = 200

gpu_pools = {
  t4-spot    = { machine_type = "n1-standard-8", max_nodes = 2 }
  l4-spot    = { machine_type = "g2-standard-8", max_nodes = 4, zones = ["a", "b"] }
  h100-spot  = { machine_type = "a3-highgpu-1g", max_nodes = 1, zones = ["a"] }
  g4-quarter = { machine_type = "g4-standard-12", max_nodes = 2, zones = ["b"] }
}

cpu_pool = { max_nodes = 4 }
