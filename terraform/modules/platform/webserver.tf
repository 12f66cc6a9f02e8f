module "webserver_task" {
  source = "../task"

  family      = "${local.name}-webserver"
  cpu         = 256
  memory_mib  = 1024
  image       = local.image
  common      = local.tasks
  environment = local.service_environment
  secrets     = local.secrets

  containers = {
    webserver = {
      port = local.ports.webserver
      command = [
        "dagster-webserver", "--host", "0.0.0.0", "--port", tostring(local.ports.webserver),
        "--workspace", "/opt/celec/deploy/workspace.yaml",
      ]
      health_check = {
        command = ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:${local.ports.webserver}/server_info', timeout=5)"]
      }
    }
  }
}

module "webserver" {
  source = "../service"

  name                = "webserver"
  common              = local.services
  task_definition_arn = module.webserver_task.definition_arn
  security_group_id   = module.network.security_group_ids["webserver"]
  most_tasks          = 2

  targets = {
    webserver = { port = local.ports.webserver, target_group_arn = module.entrance.target_groups["dagster"].arn }
  }
}

# It puts runs into the queue, shows them and stops them; the daemon starts them.
data "aws_iam_policy_document" "webserver" {
  source_policy_documents = [data.aws_iam_policy_document.watch_runs.json]

  statement {
    sid       = "ReadLogsOfRuns"
    actions   = ["s3:GetObject"]
    resources = ["${module.storage.bucket_arns["logs"]}/dagster-logs/*"]
  }

  statement {
    sid       = "ListLogsOfRuns"
    actions   = ["s3:ListBucket"]
    resources = [module.storage.bucket_arns["logs"]]
  }
}

resource "aws_iam_role_policy" "webserver" {
  name   = "webserver"
  role   = module.webserver_task.role_name
  policy = data.aws_iam_policy_document.webserver.json
}
