locals {
  groups = merge(
    {
      entrance      = "The load balancer"
      webserver     = "The web pages of Dagster"
      orchestration = "The daemon of Dagster and the code location"
      pages         = "MLflow and the report"
      runs          = "Runs, and the task that prepares the database"
      database      = "PostgreSQL"
    },
    var.jupyter ? { jupyter = "JupyterLab" } : {},
  )
}

# Groups without rules of their own: each conversation between two of them is one rule on either side.
resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5:Load balancer, services, runs and database have one each; checkov does not follow a for_each

  for_each = local.groups

  name        = "${var.name}-${each.key}"
  description = each.value
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-${each.key}" }
}
