variable "project" {
  description = "ID of the Google Cloud project that everything is made in, such as my-project-123."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project: '${var.project}' is not a project ID: 6 to 30 lower-case letters, digits and '-'. List yours: gcloud projects list."
  }
}

variable "name" {
  description = "Name of the cluster, and beginning of the names of everything that belongs to it."
  type        = string
  default     = "flexrl"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name: '${var.name}' must be 3 to 20 lower-case letters, digits and '-', so that longer names made of it stay within Google's limits."
  }
}

variable "region" {
  description = "Region of the cluster, the bucket and the registry. Choose one that has your GPUs."
  type        = string
  default     = "us-central1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region: '${var.region}' is not a region, such as us-central1. A zone such as us-central1-a has one letter too many; list regions: gcloud compute regions list."
  }
}

variable "zones" {
  description = "Letters of the region's zones that nodes may run in. A GPU is in some zones only: gcloud compute accelerator-types list."
  type        = list(string)
  default     = ["a", "b", "c"]

  validation {
    condition     = length(var.zones) > 0 && alltrue([for zone in var.zones : can(regex("^[a-z]$", zone))])
    error_message = "zones: [${join(", ", var.zones)}] must be one letter or more, such as [\"a\", \"b\"] for us-central1-a and us-central1-b."
  }
}

variable "regional" {
  description = "Whether the control plane runs in three zones (99.95 %) instead of one (99.5 %). Google waives the hourly fee of one zonal cluster."
  type        = bool
  default     = false
}

variable "release_channel" {
  description = "GKE's release channel, which upgrades the cluster."
  type        = string
  default     = "REGULAR"

  validation {
    condition     = contains(["RAPID", "REGULAR", "STABLE"], var.release_channel)
    error_message = "release_channel: '${var.release_channel}' must be RAPID, REGULAR or STABLE."
  }
}

variable "kubernetes_version" {
  description = "Oldest Kubernetes version of the control plane. The release channel upgrades it."
  type        = string
  default     = "1.35"

  validation {
    condition     = can(regex("^1\\.(3[3-9]|[4-9][0-9])(\\.|$)", var.kubernetes_version))
    error_message = "kubernetes_version: '${var.kubernetes_version}' must be 1.33 or newer, which the Jobs of launch.sweep need."
  }
}

variable "authorized_networks" {
  description = "CIDR ranges that may reach the control plane by its IP address, by a name for each. If there is none, it has no reachable IP address, and Google's DNS endpoint lets in whoever has the IAM permission."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for range in values(var.authorized_networks) : can(cidrhost(range, 0))])
    error_message = "authorized_networks: ${join(", ", [for range in values(var.authorized_networks) : range if !can(cidrhost(range, 0))])} is no CIDR range, such as 203.0.113.0/24."
  }
  validation {
    condition     = alltrue([for range in values(var.authorized_networks) : !endswith(range, "/0")])
    error_message = "authorized_networks: a range of /0 lets the whole internet in. Leave the map empty to use the DNS endpoint."
  }
}

variable "deletion_protection" {
  description = "Whether the cluster refuses to be destroyed. Apply `false` before `make gke-down`."
  type        = bool
  default     = true
}

variable "keep_runs" {
  description = "Whether the bucket refuses to be destroyed while it holds runs."
  type        = bool
  default     = true
}

variable "delete_runs_after_days" {
  description = "Age in days at which objects of the bucket are deleted; null to keep them."
  type        = number
  default     = null

  validation {
    condition     = var.delete_runs_after_days == null ? true : var.delete_runs_after_days >= 1
    error_message = "delete_runs_after_days: must be 1 or more, or null to keep runs."
  }
}

variable "image_tag" {
  description = "Tag of the image that trials run, and that `make push-runtime` pushes. Nodes keep what they pulled: give changed code a new tag."
  type        = string
  default     = "dev"

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.image_tag)) && var.image_tag != "latest"
    error_message = "image_tag: '${var.image_tag}' must be letters, digits, '_', '.' and '-', and not 'latest', which says nothing about the code."
  }
}

variable "immutable_tags" {
  description = "Whether a tag that was pushed can never mean another image."
  type        = bool
  default     = false
}

variable "billing_account" {
  description = "ID of the billing account whose budget alerts you, such as 012345-6789AB-CDEF01; null for no budget."
  type        = string
  default     = null

  validation {
    condition     = var.billing_account == null ? true : can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))
    error_message = "billing_account: must look like 012345-6789AB-CDEF01. List yours: gcloud billing accounts list."
  }
}

variable "budget" {
  description = "Amount a month, in the currency of the billing account, at whose 50, 90 and 100 % an alert is sent. It stops nothing."
  type        = number
  default     = 500

  validation {
    condition     = var.budget >= 1 && floor(var.budget) == var.budget
    error_message = "budget: ${var.budget} must be a whole amount of 1 or more a month."
  }
}

variable "budget_emails" {
  description = "Addresses that alerts of the budget go to, besides the administrators of the billing account."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.budget_emails) <= 5 && alltrue([for each in var.budget_emails : can(regex("^[^@ ]+@[^@ ]+$", each))])
    error_message = "budget_emails: [${join(", ", var.budget_emails)}] must be at most 5 addresses, such as team@example.com."
  }
}

variable "labels" {
  description = "Labels of everything that can have labels, for example a cost centre."
  type        = map(string)
  default     = {}
}
