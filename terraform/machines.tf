# The machine types that pools may have: cores, GiB of memory, and GPUs by the kind that nodes are labelled with
# (cloud.google.com/gke-accelerator). The quotas of the queue and the checks of `launch.sweep` follow from this table.
locals {
  machines = {
    "n1-standard-8"  = { cpu = 8, memory = 30, kind = "nvidia-tesla-t4", gpus = 1 }
    "g2-standard-4"  = { cpu = 4, memory = 16, kind = "nvidia-l4", gpus = 1 }
    "g2-standard-8"  = { cpu = 8, memory = 32, kind = "nvidia-l4", gpus = 1 }
    "g2-standard-16" = { cpu = 16, memory = 64, kind = "nvidia-l4", gpus = 1 }
    "g2-standard-24" = { cpu = 24, memory = 96, kind = "nvidia-l4", gpus = 2 }
    "a2-highgpu-1g"  = { cpu = 12, memory = 85, kind = "nvidia-tesla-a100", gpus = 1 }
    "a2-highgpu-2g"  = { cpu = 24, memory = 170, kind = "nvidia-tesla-a100", gpus = 2 }
    "a2-ultragpu-1g" = { cpu = 12, memory = 170, kind = "nvidia-a100-80gb", gpus = 1 }
    "a3-highgpu-1g"  = { cpu = 26, memory = 234, kind = "nvidia-h100-80gb", gpus = 1 }
    "a3-highgpu-2g"  = { cpu = 52, memory = 468, kind = "nvidia-h100-80gb", gpus = 2 }
    "a3-highgpu-8g"  = { cpu = 208, memory = 1872, kind = "nvidia-h100-80gb", gpus = 8 }
    "g4-standard-6"  = { cpu = 6, memory = 22, kind = "nvidia-rtx-pro-6000", gpus = 1 }  # an eighth of the GPU: 12 GB
    "g4-standard-12" = { cpu = 12, memory = 45, kind = "nvidia-rtx-pro-6000", gpus = 1 } # a quarter
    "g4-standard-24" = { cpu = 24, memory = 90, kind = "nvidia-rtx-pro-6000", gpus = 1 } # a half
    "g4-standard-48" = { cpu = 48, memory = 180, kind = "nvidia-rtx-pro-6000", gpus = 1 }

    "n2-standard-4"  = { cpu = 4, memory = 16, kind = null, gpus = 0 }
    "n2-standard-8"  = { cpu = 8, memory = 32, kind = null, gpus = 0 }
    "n2-standard-16" = { cpu = 16, memory = 64, kind = null, gpus = 0 }
    "n2-standard-32" = { cpu = 32, memory = 128, kind = null, gpus = 0 }
    "c3-standard-22" = { cpu = 22, memory = 88, kind = null, gpus = 0 }
    "c3-standard-44" = { cpu = 44, memory = 176, kind = null, gpus = 0 }
  }
}
