# Daemon and code location share a task: neither is of use without the other.
module "orchestration_task" {
  source = "../task"

  family      = "${local.name}-orchestration"
  cpu         = 512
  memory_mib  = 2048
  image       = local.image
  common      = local.tasks
  environment = local.service_environment
  secrets     = local.secrets

  containers = {
    code = {
      port = local.ports.code
      command = [
        "dagster", "api", "grpc", "--host", "0.0.0.0", "--port", tostring(local.ports.code),
        "--module-name", "celec_assets.definitions",
      ]
      health_check = { # it listens when the definitions are loaded
        command = ["python", "-c", "import socket; socket.create_connection(('127.0.0.1', ${local.ports.code}), 5)"]
      }
    }
    daemon = {
      # ECS writes the service's name into DNS when all its containers are healthy. Until it is there, runs that wait in
      # the queue would fail; so the daemon waits for it within its container, which counts as healthy meanwhile: after
      # a night nobody has heard from a daemon, and the name would never come. `exec` hands signals on to the daemon.
      command = ["sh", "-c", join(" ", [
        "until python -c 'import os, socket; socket.create_connection((os.environ[\"DAGSTER_CODE_SERVER_HOST\"], ${local.ports.code}), 5)' 2> /dev/null;",
        "do sleep 2; done; touch /tmp/started; exec dagster-daemon run --workspace /opt/celec/deploy/workspace.yaml",
      ])]
      health_check = {
        command          = ["sh", "-c", "test ! -e /tmp/started || exec dagster-daemon liveness-check"]
        interval_seconds = 120
        timeout_seconds  = 30
      }
    }
  }
}

# Exactly one: two daemons would start every run twice.
module "orchestration" {
  source = "../service"

  name                = "orchestration"
  common              = local.services
  task_definition_arn = module.orchestration_task.definition_arn
  security_group_id   = module.network.security_group_ids["orchestration"]
  found_by_name       = true
}

data "aws_iam_policy_document" "orchestration" {
  source_policy_documents = [
    data.aws_iam_policy_document.watch_runs.json,
    data.aws_iam_policy_document.start_runs.json,
    data.aws_iam_policy_document.write_logs_of_runs.json, # of sensors and schedules
  ]

  # What a task that failed printed last, for the run's page.
  statement {
    sid       = "LastWordsOfARun"
    actions   = ["logs:GetLogEvents"]
    resources = ["${module.run.log_group_arns["run"]}:log-stream:*"] # a stream a task
  }

  # Sensors and schedules look at the lake.
  statement {
    sid       = "ReadTheLake"
    actions   = ["s3:GetObject"]
    resources = ["${module.storage.bucket_arns["lake"]}/lake/*"]
  }

  statement {
    sid       = "ListTheLake"
    actions   = ["s3:ListBucket"]
    resources = [module.storage.bucket_arns["lake"]]
  }

  # An alert that was sent is marked so.
  statement {
    sid       = "KeepBooksOfAlerts"
    actions   = ["s3:PutObject", "s3:DeleteObject"]
    resources = ["${module.storage.bucket_arns["lake"]}/lake/alerts/*"]
  }

  statement {
    sid       = "SendAlerts"
    actions   = ["sns:Publish"]
    resources = [module.alerts.topic_arn]
  }

  statement {
    sid       = "EncryptAlerts"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [module.alerts.key_arn]
  }
}

resource "aws_iam_role_policy" "orchestration" {
  name   = "orchestration"
  role   = module.orchestration_task.role_name
  policy = data.aws_iam_policy_document.orchestration.json
}
