# MLflow and the report share a task: both are small and mostly wait.
module "pages_task" {
  source = "../task"

  family      = "${local.name}-pages"
  cpu         = 256
  memory_mib  = 1024
  image       = local.image
  common      = local.tasks
  environment = local.service_environment

  containers = {
    mlflow = {
      port = local.ports.mlflow
      command = [
        "mlflow", "server", "--host", "0.0.0.0", "--port", tostring(local.ports.mlflow), "--workers", "1",
        # Its own pages post to it from this origin; tasks ask it by its internal name.
        "--allowed-hosts", "${trimprefix(trimprefix(module.entrance.origins["mlflow"], "http://"), "https://")},${local.mlflow_host}",
        "--cors-allowed-origins", module.entrance.origins["mlflow"],
        "--backend-store-uri", "postgresql+psycopg2://mlflow@${module.database.host}:${local.ports.database}/mlflow",
        # Clients bring models and files to S3 themselves.
        "--no-serve-artifacts", "--default-artifact-root", "s3://${module.storage.bucket_names["artifacts"]}/mlflow",
      ]
      environment = { MLFLOW_SERVER_ENABLE_JOB_EXECUTION = "false" } # jobs that judge language models
      secrets     = { PGPASSWORD = { arn = module.passwords.secret_arns["mlflow"], key = "password" } }
      health_check = {
        command = ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:${local.ports.mlflow}/health', timeout=5)"]
      }
    }
    report = {
      port    = local.ports.report
      command = ["celec", "serve", "--host", "0.0.0.0", "--port", tostring(local.ports.report)]
      health_check = {
        command = ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:${local.ports.report}/health', timeout=5)"]
      }
    }
  }
}

module "pages" {
  source = "../service"

  name                = "pages"
  common              = local.services
  task_definition_arn = module.pages_task.definition_arn
  security_group_id   = module.network.security_group_ids["pages"]
  found_by_name       = true
  most_tasks          = 2

  targets = {
    for page in ["mlflow", "report"] : page => {
      port             = local.ports[page]
      target_group_arn = module.entrance.target_groups[page].arn
    }
  }
}

data "aws_iam_policy_document" "pages" {
  statement {
    sid       = "ShowReports"
    actions   = ["s3:GetObject"]
    resources = ["${module.storage.bucket_arns["lake"]}/lake/forecast_report/*"]
  }

  statement {
    sid       = "ShowModels"
    actions   = ["s3:GetObject"]
    resources = ["${module.storage.bucket_arns["artifacts"]}/mlflow/*"]
  }

  # Without it S3 says "not allowed" of a report that is not there yet.
  statement {
    sid       = "ListLakeAndModels"
    actions   = ["s3:ListBucket"]
    resources = [module.storage.bucket_arns["lake"], module.storage.bucket_arns["artifacts"]]
  }
}

resource "aws_iam_role_policy" "pages" {
  name   = "pages"
  role   = module.pages_task.role_name
  policy = data.aws_iam_policy_document.pages.json
}
