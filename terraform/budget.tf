# Alerts at parts of a month's amount. A budget stops nothing: `make gke-scale-zero` does.
resource "google_monitoring_notification_channel" "budget" {
  for_each = toset(var.billing_account == null ? [] : var.budget_emails)

  display_name = "Budget of ${var.name}: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }

  depends_on = [google_project_service.this]
}

resource "google_billing_budget" "this" {
  count = var.billing_account == null ? 0 : 1

  billing_account = var.billing_account
  display_name    = "${var.project}: ${var.name}"

  budget_filter {
    projects        = ["projects/${data.google_project.this.number}"]
    calendar_period = "MONTH"
  }
  amount {
    specified_amount {
      units = tostring(var.budget)
    }
  }
  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
      spend_basis       = "CURRENT_SPEND"
    }
  }
  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }
  all_updates_rule {
    monitoring_notification_channels = [for each in google_monitoring_notification_channel.budget : each.id]
    disable_default_iam_recipients   = false
  }

  depends_on = [google_project_service.this]
}

check "budget" {
  assert {
    condition     = var.billing_account != null
    error_message = "billing_account: is not given, so no budget warns you of costs. Give it by TF_VAR_billing_account."
  }
}
