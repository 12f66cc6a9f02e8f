# Who talks to whom inside: the only list of it. What does not stand here is refused.
locals {
  conversations = merge(
    {
      entrance-webserver     = { from = "entrance", to = "webserver", port = var.ports.webserver, what = "Pages of Dagster" }
      entrance-mlflow        = { from = "entrance", to = "pages", port = var.ports.mlflow, what = "Pages of MLflow" }
      entrance-report        = { from = "entrance", to = "pages", port = var.ports.report, what = "The report" }
      webserver-code         = { from = "webserver", to = "orchestration", port = var.ports.code, what = "What there is to run (gRPC)" }
      orchestration-code     = { from = "orchestration", to = "orchestration", port = var.ports.code, what = "The daemon asks the code location by its name (gRPC)" }
      orchestration-mlflow   = { from = "orchestration", to = "pages", port = var.ports.mlflow, what = "Tracking, past the login" }
      runs-mlflow            = { from = "runs", to = "pages", port = var.ports.mlflow, what = "Tracking, past the login" }
      webserver-database     = { from = "webserver", to = "database", port = var.ports.database, what = "Runs and events" }
      orchestration-database = { from = "orchestration", to = "database", port = var.ports.database, what = "Runs and events" }
      pages-database         = { from = "pages", to = "database", port = var.ports.database, what = "Records of MLflow" }
      runs-database          = { from = "runs", to = "database", port = var.ports.database, what = "Runs and events" }
    },
    var.jupyter ? {
      entrance-jupyter = { from = "entrance", to = "jupyter", port = var.ports.jupyter, what = "JupyterLab" }
      jupyter-mlflow   = { from = "jupyter", to = "pages", port = var.ports.mlflow, what = "Tracking, past the login" }
    } : {},
  )
}

resource "aws_vpc_security_group_egress_rule" "conversation" {
  for_each = local.conversations

  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  description                  = "${each.value.what}, to ${each.value.to}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "conversation" {
  for_each = local.conversations

  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  description                  = "${each.value.what}, from ${each.value.from}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}
