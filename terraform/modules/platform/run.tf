locals {
  run_family = "${local.name}-run"
}

# What deploy/dagster.yaml starts for each run; jobs ask for more by their tags ecs/cpu and ecs/memory.
module "run" {
  source = "../task"

  family      = local.run_family
  cpu         = 512
  memory_mib  = 2048
  image       = local.image
  common      = local.tasks
  environment = local.run_environment
  secrets     = local.secrets

  containers = {
    run = {
      command              = ["celec", "doctor"] # Dagster replaces it
      stop_timeout_seconds = 120                 # a run that is stopped, or that Spot takes back, ends by itself
    }
  }
}

data "aws_iam_policy_document" "run" {
  source_policy_documents = [data.aws_iam_policy_document.write_logs_of_runs.json]

  # While a run goes on, it shows what it has printed so far, and looks for it first.
  statement {
    sid       = "ReadItsLog"
    actions   = ["s3:GetObject"]
    resources = ["${module.storage.bucket_arns["logs"]}/dagster-logs/*"]
  }

  statement {
    sid       = "ReadAndWriteTheLake"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["${module.storage.bucket_arns["lake"]}/lake/*"]
  }

  statement {
    sid       = "BringModels"
    actions   = ["s3:PutObject"]
    resources = ["${module.storage.bucket_arns["artifacts"]}/mlflow/*"]
  }

  statement {
    sid       = "ListLakeAndLogs"
    actions   = ["s3:ListBucket"]
    resources = [module.storage.bucket_arns["lake"], module.storage.bucket_arns["logs"]]
  }
}

resource "aws_iam_role_policy" "run" {
  name   = "run"
  role   = module.run.role_name
  policy = data.aws_iam_policy_document.run.json
}
